import { randomUUID } from "node:crypto";
import { Code, ConnectError, type ContextValues, type Transport } from "@connectrpc/connect";
import { type Door, objectionTo, requestIdHeader } from "@wellapi/rpc";
import type { FastifyReply, FastifyRequest } from "fastify";
import { HttpError } from "./errors.ts";
import { credentialHeaders } from "./request-headers.ts";

/** A request at a surface, with the calls that the surface makes for it. */
export interface OutsideRequest {
  readonly id: string;
  as(): Transport;
  asAnyone(): Transport;
  /** Whether a call was made for the request's own caller. */
  identified(): boolean;
  /** Why no more of the answer may be written at this instant. */
  objection(): ConnectError | undefined;
}

const requestOver = new ConnectError("the request is over", Code.Canceled);

/** `door`: undefined for a surface that writes its answers itself. */
export function createOutsideRequest(options: {
  readonly surface: string;
  readonly door: Door | undefined;
  readonly shutdown: AbortSignal;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}): OutsideRequest {
  const { surface, door, shutdown, request, reply } = options;
  const id = requestIdOf(request);
  const calls: ContextValues[] = [];
  let over: AbortController | undefined;
  let identified = false;

  function transport(shown: readonly string[]): Transport {
    if (door === undefined) {
      throw new HttpError("no-door", `the surface ${surface} has no door to the services`);
    }
    if (over === undefined) {
      const controller = new AbortController();
      over = controller;
      if (reply.raw.closed) controller.abort(requestOver);
      else reply.raw.once("close", () => controller.abort(requestOver));
    }
    const header = new Headers({ [requestIdHeader]: id });
    for (const name of shown) {
      const value = request.headers[name];
      if (typeof value === "string") header.set(name, value);
    }
    return door.transportFor({
      header,
      signals: [over.signal, shutdown],
      opened: (values) => calls.push(values),
    });
  }

  return {
    id,
    as() {
      identified = true;
      return transport(credentialHeaders);
    },
    asAnyone: () => transport([]),
    identified: () => identified,
    objection() {
      for (const values of calls) {
        const objection = objectionTo(values);
        if (objection !== undefined) return objection;
      }
      return undefined;
    },
  };
}

function requestIdOf(request: FastifyRequest): string {
  const given = request.headers[requestIdHeader];
  return typeof given === "string" && /^[A-Za-z0-9._-]{8,64}$/.test(given) ? given : randomUUID();
}
