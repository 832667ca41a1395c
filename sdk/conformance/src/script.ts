import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { constants } from "node:http2";
import {
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type Message,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { problemError } from "@wellapi/grpc-client";
import type { Failure, Json, Step } from "./scenario.ts";

/** The request of a call as Node has it, for steps below the protocol. */
export type RawRequest = Http2ServerRequest | IncomingMessage;

/** One call that follows its script. */
export interface ScriptedCall {
  readonly steps: readonly Step[];
  readonly input: DescMessage;
  readonly output: DescMessage;
  readonly raw: RawRequest;
  /** Headers of the answer. */
  readonly header: Headers;
  /** Destroys the connection of `raw`. */
  readonly cut: () => void;
  /** What came, in its order. Filled while the script runs. */
  readonly requests: Json[];
  /** Notes what the script itself found wrong. */
  readonly wrong: (problem: string) => void;
}

/** Runs the steps over a call's requests; yields the answers. */
export async function* runScript(
  call: ScriptedCall,
  requests: AsyncIterable<Message>,
): AsyncGenerator<Message> {
  const inbox = openInbox(call, requests);
  for (const step of call.steps) {
    if ("receive" in step) await inbox.atLeast(step.receive);
    if ("ended" in step) await inbox.atLeast(Number.POSITIVE_INFINITY);
    if ("headers" in step) {
      for (const [name, value] of Object.entries(step.headers)) call.header.set(name, value);
    }
    if ("send" in step) yield messageOf(call.output, step.send, step.unknown);
    if ("store" in step) {
      for (let taken = 0; await inbox.atLeast(taken + 1); taken++) yield receiptFor(call, taken);
    }
    if ("quietMs" in step) {
      const before = call.requests.length;
      await new Promise((resolve) => setTimeout(resolve, step.quietMs));
      if (call.requests.length > before)
        call.wrong("a request came before the answer that it has to wait for");
    }
    if ("goaway" in step && "stream" in call.raw) call.raw.stream.session?.goaway();
    if ("fail" in step) throw errorOf(step.fail);
    if ("reset" in step) await endStream(call, step.reset);
    if ("cut" in step) await endConnection(call);
  }
}

/** Takes requests as they come, whether or not the script asks for them. */
function openInbox(call: ScriptedCall, requests: AsyncIterable<Message>) {
  let ended = false;
  let wake = Promise.withResolvers<void>();
  void (async () => {
    try {
      for await (const message of requests) {
        if (hasUnknown(call.input, message)) {
          call.wrong(`a ${message.$typeName} has fields that the contract does not have`);
        }
        call.requests.push(toJson(call.input, message) as Json);
        wake.resolve();
        wake = Promise.withResolvers<void>();
      }
    } catch {
      // The client has left, or this server has ended the call.
    }
    ended = true;
    wake.resolve();
  })();
  return {
    /** False where the client ends its stream before. */
    async atLeast(count: number): Promise<boolean> {
      while (call.requests.length < count && !ended) await wake.promise;
      return call.requests.length >= count;
    },
  };
}

/** Whether it has fields, at any depth, that the contract does not have: an older server would not understand the client. */
function hasUnknown(schema: DescMessage, message: Message): boolean {
  const known = toBinary(schema, message, { writeUnknownFields: false });
  return known.length !== toBinary(schema, message).length;
}

/** What the exchange answers to a stored batch. */
function receiptFor(call: ScriptedCall, at: number): Message {
  const { batch } = call.requests[at] as { batch: { requestId: string } };
  return messageOf(call.output, { requestId: batch.requestId, receipt: { batch: `bat_${batch.requestId}` } });
}

function messageOf(output: DescMessage, json: Json, unknown = ""): Message {
  const known = toBinary(output, fromJson(output, json as JsonValue));
  return fromBinary(output, Buffer.concat([known, Buffer.from(unknown, "base64")]));
}

function errorOf({ code, reason, message = "m", retryAfterMs, violations }: Failure): ConnectError {
  const name = Object.keys(Code).find((one) => one.toLowerCase() === code.replaceAll("_", ""));
  const number = Code[name as keyof typeof Code];
  if (reason === undefined) return new ConnectError(message, number);
  return problemError({
    code: number,
    reason,
    message,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(violations === undefined ? {} : { violations }),
  });
}

async function endStream(call: ScriptedCall, name: string): Promise<void> {
  const { raw } = call;
  if (!("stream" in raw)) return endConnection(call);
  raw.stream.close(constants[`NGHTTP2_${name}` as "NGHTTP2_CANCEL"]);
  await gone(raw);
}

async function endConnection({ raw, cut }: ScriptedCall): Promise<void> {
  const ended = gone(raw);
  cut();
  await ended;
}

/** The rest of the script must not answer what has ended. */
function gone(raw: RawRequest): Promise<void> {
  return raw.closed ? Promise.resolve() : new Promise((resolve) => raw.once("close", () => resolve()));
}
