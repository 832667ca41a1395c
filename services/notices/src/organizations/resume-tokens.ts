import { EventService } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { type Caller, jsonPosition, type PageTokens, rpcNameOf } from "@wellapi/rpc";
import type { Position } from "./feed-repository.ts";

/** Tokens that name a place in a feed, for one caller. */
export interface ResumeTokens {
  seal(reached: Position): string;
  /** Undefined: it is empty. Throws PageTokenError. */
  open(token: string): Position | undefined;
}

export type ResumeTokensOf = (caller: Caller) => ResumeTokens;

export const feedPosition = jsonPosition<Position>();

/** A token of one RPC goes on in the other. */
export function createResumeTokensOf(pageTokens: PageTokens): ResumeTokensOf {
  return (caller) => {
    const digest = new Uint8Array();
    const rpc = rpcNameOf(EventService.method.watchEvents);
    const query = { caller, method: rpc, digest, field: "resume_token" } as const;
    return {
      seal: (reached) => pageTokens.seal(query, feedPosition.encode(reached)),
      open: (token) => (token === "" ? undefined : feedPosition.decode(pageTokens.open(query, token))),
    };
  };
}
