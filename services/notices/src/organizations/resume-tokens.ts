import { type Caller, jsonPosition, type PageTokens } from "@wellapi/rpc";
import type { Position } from "./feed-repository.ts";

/** Tokens that name a place in a feed, for one caller. */
export interface ResumeTokens {
  seal(reached: Position): string;
  /** Undefined: it is empty. Throws PageTokenError. */
  open(token: string): Position | undefined;
}

export type ResumeTokensOf = (caller: Caller) => ResumeTokens;

export const feedPosition = jsonPosition<Position>();

/** `method`: the RPC for which they are sealed, whichever gives or takes one, so that a token of one goes on in the others. */
export function createResumeTokensOf(pageTokens: PageTokens, method: string): ResumeTokensOf {
  return (caller) => {
    const digest = new Uint8Array();
    const query = { caller, method, digest, field: "resume_token" } as const;
    return {
      seal: (reached) => pageTokens.seal(query, feedPosition.encode(reached)),
      open: (token) => (token === "" ? undefined : feedPosition.decode(pageTokens.open(query, token))),
    };
  };
}
