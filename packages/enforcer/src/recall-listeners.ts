import type { Logger } from "@wellapi/runtime";
import type { Recall } from "./port.ts";

/** Holders of things that a recall takes away. */
export interface RecallListeners {
  /** Returns a function that removes the listener. */
  add(listener: (recall: Recall | undefined) => void): () => void;
  /** Calls every listener; returns whether all of them have released what they held. */
  tell(recall: Recall | undefined): boolean;
}

export function createRecallListeners(log: Logger): RecallListeners {
  const listeners = new Set<(recall: Recall | undefined) => void>();
  return {
    add(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell(recall) {
      let released = true;
      for (const listener of [...listeners]) {
        try {
          listener(recall);
        } catch (error) {
          released = false;
          log.error({ err: error }, "a listener to recalls failed");
        }
      }
      return released;
    },
  };
}
