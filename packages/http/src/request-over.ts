import type { ServerResponse } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import type { FastifyReply } from "fastify";

const over = new ConnectError("the request is over", Code.Canceled);

/**
 * Calls `told` once, when the answer is written or its caller has left: at once where that is so already. A caller can leave while a
 * request is admitted; whoever listens for "close" after that is never called.
 */
export function onceOver(answer: Pick<ServerResponse, "closed" | "once">, told: () => void): void {
  if (answer.closed) told();
  else answer.once("close", told);
}

/**
 * As `requestOverOf`, of the requests of one surface, which may be ended before, too; they abort with the reason of `shutdown`,
 * too. One listener for all: an EventTarget looks through its listeners at each one that is added.
 */
export function createRequestEnds(shutdown: AbortSignal): (reply: FastifyReply) => AbortController {
  const open = new Set<AbortController>();
  shutdown.addEventListener("abort", () => {
    for (const controller of open) controller.abort(shutdown.reason);
  });
  return ({ raw }) => {
    const controller = endingWith(raw);
    if (shutdown.aborted) controller.abort(shutdown.reason);
    open.add(controller);
    onceOver(raw, () => open.delete(controller));
    return controller;
  };
}

/** Aborts, with a `ConnectError` `canceled`, when the request's answer is written or its caller has left; at once where that is so already. */
export function requestOverOf({ raw }: FastifyReply): AbortSignal {
  return endingWith(raw).signal;
}

function endingWith(answer: ServerResponse): AbortController {
  const controller = new AbortController();
  onceOver(answer, () => controller.abort(over));
  return controller;
}
