import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type ConnectError, type ContextValues, type Transport } from "@connectrpc/connect";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import {
  type AdmittedCall,
  actingAsHeader,
  type BudgetState,
  budgetStateKey,
  compressionOf,
  type Door,
  fetchSiteHeader,
  type OutsideCall,
  objectionTo,
  outsideValues,
  requestIdHeader,
  sessionCookieName,
  sessionIn,
  showsToken,
  type UnadmittedRequest,
} from "@wellapi/rpc";
import type { FastifyReply, FastifyRequest } from "fastify";
import { HttpError } from "./errors.ts";
import { holdHttpAnswer } from "./held-answer.ts";
import { httpCallOf } from "./http-call.ts";
import type { HttpProblem } from "./refusal.ts";
import { credentialHeaders } from "./request-headers.ts";
import { requestOverOf } from "./request-over.ts";

/** A request at a surface, with the calls that the surface makes for it. */
export interface OutsideRequest {
  readonly id: string;
  /**
   * Admits the call that the request's body is for, before the body is read. `shown`: whether the caller's credential is in
   * the headers; else the call is anybody's. `actingAs`: as that of `as`. @throws ConnectError where the call is refused.
   */
  admit(method: DescMethod, shown: "header" | "body", actingAs?: string): Promise<void>;
  /** Ends the admitted call, if there is one, because its body cannot be read. The call has its line in the log then. */
  refuseBody(error: ConnectError): boolean;
  /** `actingAs` instead of what the request says. */
  as(actingAs?: string): Transport;
  asAnyone(): Transport;
  /**
   * How its organization is told of the request, which is refused for `problem` before any call was made for it. Undefined where
   * calls were made: each is told by itself; and where no program calls: a person has the page, which says what is wrong.
   */
  unadmitted(problem: HttpProblem): UnadmittedRequest | undefined;
  /** Whether a call was made for the request's own caller. */
  identified(): boolean;
  /** The budget of the call that was made last. */
  budget(): BudgetState | undefined;
  /** Why no more of the answer may be written at this instant. */
  objection(): ConnectError | undefined;
  /** Holds bytes that are about to be written (`holdHttpAnswer`) until the returned function is called. */
  hold(bytes: number): () => void;
}

/** `door`: undefined for a surface that writes its answers itself. */
export function createOutsideRequest(options: {
  readonly surface: string;
  readonly door: Door | undefined;
  readonly shutdown: AbortSignal;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}): OutsideRequest {
  const { surface, door, shutdown, request, reply } = options;
  const { id } = request;
  const calls: ContextValues[] = [];
  let over: AbortSignal | undefined;
  let identified = false;
  let admitted:
    | (AdmittedCall & { readonly shown: "header" | "body"; readonly actingAs?: string })
    | undefined;

  function callOf(
    shown: readonly string[],
    actingAs: string | undefined,
  ): OutsideCall & { readonly through: Door } {
    if (door === undefined) {
      throw new HttpError("no-door", `the surface ${surface} has no door to the services`);
    }
    over ??= requestOverOf(reply);
    const header = new Headers({ [requestIdHeader]: id });
    for (const name of shown) {
      const value = request.headers[name];
      if (typeof value === "string") header.set(name, value);
    }
    const session = shown.length > 0 ? ownSession(request) : undefined;
    if (session !== undefined) {
      header.set("cookie", `${sessionCookieName}=${session}`);
      header.set(fetchSiteHeader, "same-origin");
    }
    if (actingAs !== undefined) header.set(actingAsHeader, actingAs);
    return {
      through: door,
      header,
      signals: [over, shutdown],
      address: request.callerAddress,
      // Beside a token, which may be bound to it. By itself it is a credential for RPCs, and not for pages and files.
      certificate: showsToken(header) ? request.clientCertificate : undefined,
      http: httpCallOf(request.raw),
      compression: compressionOf(request.headers["content-encoding"]),
      opened: (values) => calls.push(values),
    };
  }

  function transport(shown: "header" | "body", actingAs?: string): Transport {
    if (admitted?.shown === shown && admitted.actingAs === actingAs) return admitted.transport;
    const call = callOf(shownIn[shown], actingAs);
    return call.through.transportFor(call);
  }

  return {
    id,
    async admit(method, shown, actingAs) {
      if (shown === "header") identified = true;
      const call = callOf(shownIn[shown], actingAs);
      const admission = await call.through.admit(call, method);
      admitted = { ...admission, shown, ...(actingAs !== undefined && { actingAs }) };
    },
    refuseBody(error) {
      admitted?.refuse(error);
      return admitted !== undefined;
    },
    as(actingAs) {
      identified = true;
      return transport("header", actingAs);
    },
    asAnyone: () => transport("body"),
    unadmitted(problem) {
      if (calls.length > 0 || door === undefined || !isOfProgram(request)) return undefined;
      const call = callOf(shownIn.header, undefined);
      return { ...toldOf(reply, problem), header: call.header, contextValues: outsideValues(call) };
    },
    identified: () => identified,
    budget: () => calls.at(-1)?.get(budgetStateKey),
    hold(bytes) {
      const held = calls.map((values) => holdHttpAnswer(values, reply.raw, bytes));
      return () => {
        for (const taken of held) taken?.();
      };
    },
    objection() {
      for (const values of calls) {
        const objection = objectionTo(values);
        if (objection !== undefined) return objection;
      }
      return undefined;
    },
  };
}

/** Whether it shows a credential as programs do: a browser's is a cookie. */
function isOfProgram({ headers }: FastifyRequest): boolean {
  return headers.authorization !== undefined || headers["x-api-key"] !== undefined;
}

/** Named by its route, because its path may name a patient. */
function toldOf({ request, elapsedTime: durationMs }: FastifyReply, { code, reason, message }: HttpProblem) {
  const { id: requestId, method, routeOptions } = request;
  return {
    method: `${method} ${routeOptions.url}`,
    protocol: "http",
    problem: { code: codeFromString(code) ?? Code.Unknown, reason, message },
    durationMs,
    requestId,
    traceId: "",
  } as const;
}

/** The headers from which a call takes its caller. */
const shownIn = {
  header: [...credentialHeaders.filter((name) => name !== "cookie"), actingAsHeader],
  body: [],
} as const;

/**
 * The session in the request's cookie, where our own page made the request, or where somebody opened a page: a navigation by
 * GET, which changes nothing, whatever page its link stood on. No other cookie reaches a service.
 */
function ownSession({ method, headers }: FastifyRequest): string | undefined {
  const site = headers[fetchSiteHeader];
  const opened =
    method === "GET" && headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document";
  return site === "same-origin" || (site !== undefined && opened) ? sessionIn(headers.cookie) : undefined;
}
