import { createLoop, type Logger } from "@wellapi/runtime";
import type { RequestReader } from "./request-reader.ts";
import type { RequestWriter } from "./request-writer.ts";

/** The requests that are kept, and who waits for the next. */
export interface RequestLog extends RequestReader, Pick<RequestWriter, "append"> {
  /** Close it. */
  watch(organization: string): RequestChanges;
  /** Aborted at the close: ends the watches. */
  readonly closing: AbortSignal;
  close(): Promise<void>;
}

export interface RequestChanges {
  /** Resolves once the organization has more requests than at this call. Ask before you look, so that nothing is missed. */
  next(): Promise<void>;
  close(): void;
}

const PRUNE_EVERY_MS = 3_600_000;

export function openRequestLog(deps: {
  readonly reader: RequestReader;
  readonly writer: RequestWriter;
  readonly clock: { now(): number };
  readonly log: Logger;
}): RequestLog {
  const { reader, writer, clock, log } = deps;
  const closing = new AbortController();
  const waiting = new Map<string, Set<() => void>>();
  const pruning = createLoop({
    everyMs: PRUNE_EVERY_MS,
    work: () => writer.prune(clock.now()),
    onError: (err) => log.warn({ err }, "old requests are not deleted yet"),
  });
  return {
    ...reader,
    closing: closing.signal,
    async append(ended, now) {
      await writer.append(ended, now);
      for (const { organization } of ended) for (const wake of waiting.get(organization) ?? []) wake();
    },
    watch(organization) {
      let wakeUp = (): void => {};
      const wake = (): void => wakeUp();
      const others = waiting.get(organization) ?? new Set();
      waiting.set(organization, others.add(wake));
      return {
        next: () =>
          new Promise((resolve) => {
            wakeUp = resolve;
          }),
        close() {
          others.delete(wake);
          if (others.size === 0) waiting.delete(organization);
        },
      };
    },
    async close() {
      closing.abort();
      await pruning.close();
    },
  };
}
