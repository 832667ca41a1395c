import type { IncomingMessage } from "node:http";
import type { HttpCall } from "@wellapi/rpc";
import { pathOf } from "./surface.ts";

/** The request as its client sent it, for the proof of a token that is bound to a key. */
export function httpCallOf({ method, headers, url }: IncomingMessage): HttpCall {
  return { method: method ?? "", authority: headers.host ?? "", path: pathOf(url) };
}
