import { performance } from "node:perf_hooks";
import { Code, ConnectError } from "@connectrpc/connect";
import { problemOf } from "@wellapi/rpc";
import type { Answer, Fault, History, Operation } from "./history.ts";

/** Writes a history while it happens. */
export interface Recorder {
  now(): number;
  /** Kept as it is now and may still be completed. */
  add<O extends Operation>(operation: O): Writable<O>;
  fault<T>(name: string, run: () => Promise<T>): Promise<T>;
  history(): History;
}

export type Writable<O> = { -readonly [K in keyof O]: O[K] };

export function createRecorder(): Recorder {
  const began = performance.now();
  const operations: Operation[] = [];
  const faults: Fault[] = [];
  const now = () => performance.now() - began;
  return {
    now,
    add(operation) {
      operations.push(operation);
      return operation;
    },
    async fault(name, run) {
      const from = now();
      try {
        return await run();
      } finally {
        faults.push({ name, began: from, ended: now() });
      }
    },
    history: () => ({ operations: [...operations], faults: [...faults], ended: now() }),
  };
}

const refusals: ReadonlySet<string> = new Set(["CONSENT_REQUIRED", "CONSENT_REVOKED"]);
const doubtful: ReadonlySet<Code> = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Aborted]);

/** How an error counts. */
export function answerOf(error: unknown): Answer {
  const described = ConnectError.from(error);
  const { reason, message } = problemOf(described);
  const said = reason || `${Code[described.code]}: ${message}`;
  if (refusals.has(reason)) return { kind: "refused", reason: said };
  return { kind: doubtful.has(described.code) ? "unsure" : "wrong", reason: said };
}
