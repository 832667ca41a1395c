import { setTimeout as delay } from "node:timers/promises";
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type StreamRequest, type StreamResponse, type UnaryRequest } from "@connectrpc/connect";
import { callerKey } from "../caller/caller.ts";
import { peerWorkloadKey } from "../caller/context.ts";
import { problemError } from "../status.ts";
import { type StepInterceptor, step } from "./step.ts";

/** By this header a caller of a sandbox orders that its call fails, to see what its own program does then. */
export const faultHeader = "wellapi-sandbox-fault";

/** What the header takes. */
export const orderedFaults = ["unavailable", "slow", "revoke-mid-stream"] as const;

export interface FaultOrders {
  /** How long a call waits that is to be slow, milliseconds. */
  readonly slowMs: number;
}

/** Of a stream that is to be cut: so many messages come, the first of which often holds no data. */
const messagesBeforeRevocation = 2;

/**
 * The last step: an ordered fault comes from where the handler's own would. `orders` is given at a sandbox's doors alone; any other
 * door refuses the header, so that nobody takes what they tried for tried. `guards`: whose answers end when a consent does.
 */
export function faultsInterceptor(
  orders: FaultOrders | undefined,
  guards: (method: DescMethod) => boolean,
): StepInterceptor {
  return step("faults", (next) => async (request) => {
    const ordered = request.header.get(faultHeader);
    // Between services there are no orders: the door has carried them out.
    if (ordered === null || request.contextValues.get(peerWorkloadKey) !== undefined) return next(request);
    if (orders === undefined) throw noSandbox();
    if (request.contextValues.get(callerKey).principal.kind === "anonymous") throw nobodysOrder();
    switch (ordered) {
      case "unavailable":
        throw unavailable();
      case "slow":
        await waitFor(orders.slowMs, request);
        return next(request);
      case "revoke-mid-stream": {
        if (request.method.methodKind !== "server_streaming" || !guards(request.method)) throw noSuchStream();
        const response = (await next(request)) as StreamResponse;
        return { ...response, message: revokedMidway(response.message) };
      }
      default:
        throw unknownFault();
    }
  });
}

/** Rejects with the signal's reason: the call's deadline may be sooner. */
async function waitFor(ms: number, { signal }: UnaryRequest | StreamRequest): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {
    throw signal.reason;
  });
}

/** Also a stream that has fewer messages ends so. */
async function* revokedMidway<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
  let sent = 0;
  for await (const message of messages) {
    yield message;
    sent += 1;
    if (sent === messagesBeforeRevocation) break;
  }
  // As the message of records says it.
  throw problemError({
    code: Code.PermissionDenied,
    reason: "CONSENT_REVOKED",
    message: "The consent that permitted this is no longer in force. ListConsents tells what is.",
  });
}

function unavailable() {
  return problemError({
    code: Code.Unavailable,
    reason: "FAULT_ORDERED",
    message: `the call asked for this by the header ${faultHeader}: nothing was done`,
    retryAfterMs: 100,
  });
}

function noSandbox() {
  return problemError({
    code: Code.FailedPrecondition,
    reason: "SANDBOX_ONLY",
    message: `only a sandbox carries out what the header ${faultHeader} asks for: send the call without it`,
  });
}

function nobodysOrder() {
  return problemError({
    code: Code.Unauthenticated,
    reason: "CREDENTIAL_REQUIRED",
    message: `the header ${faultHeader} needs a credential`,
  });
}

function noSuchStream() {
  return problemError({
    code: Code.InvalidArgument,
    reason: "INVALID_FIELD",
    message: `${faultHeader}: revoke-mid-stream is for streams that send a patient's data, such as ReadSeries and WatchSeries`,
  });
}

function unknownFault() {
  return problemError({
    code: Code.InvalidArgument,
    reason: "INVALID_FIELD",
    message: `${faultHeader} takes unavailable, slow or revoke-mid-stream`,
  });
}
