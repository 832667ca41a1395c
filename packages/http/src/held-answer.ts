import type { ServerResponse } from "node:http";
import type { ContextValues } from "@connectrpc/connect";
import { holdAnswer, resetConnection } from "@wellapi/rpc";

/** Where an answer is written. */
export type AnswerTarget = Pick<ServerResponse, "closed" | "writableLength" | "socket" | "once">;

/**
 * Holds bytes of a call's answer that are about to be written, until the returned function is called. If they still wait
 * in Node when the answer has to end, or its reader is `behind`, the connection is reset, which drops them, and what the kernel has not
 * sent. Undefined where nothing can end the answer.
 */
export function holdHttpAnswer(
  values: ContextValues,
  target: AnswerTarget,
  bytes: number,
  behind: () => boolean = () => false,
): (() => void) | undefined {
  return holdAnswer(values, {
    bytes,
    waits: () => target.writableLength > 0 || behind(),
    end() {
      if (target.socket !== null) resetConnection(target.socket);
    },
  });
}
