import { Code } from "@connectrpc/connect";
import { problemError } from "../status.ts";

/**
 * Limits the open streams of an application at the doors of this process: an application that opens streams and
 * never closes them must not use up the memory of others.
 */
export interface StreamLimit {
  /**
   * Takes a place; the caller releases it once, by the returned function.
   * @throws ConnectError `TOO_MANY_STREAMS` (RESOURCE_EXHAUSTED, retry in a second) where none is free.
   */
  enter(application: string): () => void;
}

const retryAfterMs = 1_000;

/** `perApplication`: most open streams, counted over all of the application's credentials. */
export function createStreamLimit({ perApplication }: { readonly perApplication: number }): StreamLimit {
  const open = new Map<string, number>();
  return {
    enter(application) {
      const before = open.get(application) ?? 0;
      if (before >= perApplication) {
        throw problemError({
          code: Code.ResourceExhausted,
          reason: "TOO_MANY_STREAMS",
          message: `the application has ${perApplication} streams open, as many as it may: send more on those, or end some first`,
          retryAfterMs,
        });
      }
      open.set(application, before + 1);
      let inside = true;
      return () => {
        if (!inside) return;
        inside = false;
        const left = open.get(application)! - 1;
        if (left === 0) open.delete(application);
        else open.set(application, left);
      };
    },
  };
}
