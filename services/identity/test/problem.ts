import type { Code } from "@connectrpc/connect";
import { problemFor } from "@wellapi/rpc";

/** True for an error of this code and reason, as a caller gets it. */
export function problem(code: Code, reason: string, words = ""): (error: unknown) => boolean {
  return (error) => {
    const told = problemFor(error);
    return told.code === code && told.reason === reason && told.message.includes(words);
  };
}
