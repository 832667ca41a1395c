import { Code } from "@connectrpc/connect";
import { problemError } from "../status.ts";
import { nameOf, type Principal } from "./caller.ts";

/**
 * Limits the open streams of a caller at the doors of this process: a caller that opens streams and never closes
 * them must not use up the memory of others.
 */
export interface StreamLimit {
  /**
   * Takes a place; the caller releases it once, by the returned function.
   * @throws ConnectError `TOO_MANY_STREAMS` (RESOURCE_EXHAUSTED, retry in a second) where none is free.
   */
  enter(principal: Principal): () => void;
}

export interface StreamLimits {
  /** Most open streams of an application, counted over all of its credentials. */
  readonly perApplication: number;
  /** Most open streams of any other caller: a patient, an operator. */
  readonly perPerson: number;
}

const retryAfterMs = 1_000;

export function createStreamLimit({ perApplication, perPerson }: StreamLimits): StreamLimit {
  const open = new Map<string, number>();
  return {
    enter(principal) {
      const name = nameOf(principal);
      const most = principal.kind === "application" ? perApplication : perPerson;
      const before = open.get(name) ?? 0;
      if (before >= most) {
        throw problemError({
          code: Code.ResourceExhausted,
          reason: "TOO_MANY_STREAMS",
          message: `the ${principal.kind} has ${most} streams open, as many as it may: send more on those, or end some first`,
          retryAfterMs,
        });
      }
      open.set(name, before + 1);
      let inside = true;
      return () => {
        if (!inside) return;
        inside = false;
        const left = open.get(name)! - 1;
        if (left === 0) open.delete(name);
        else open.set(name, left);
      };
    },
  };
}
