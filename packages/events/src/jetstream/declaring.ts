import { setTimeout as delay } from "node:timers/promises";
import { EventsError } from "../errors.ts";
import { createSubjectFilter } from "../subjects.ts";
import { isTransient, manager, toEventsError } from "./api.ts";
import type { Connection, JetStreamLog } from "./connection.ts";
import { declareStreams, type StreamDeclaration } from "./declaration.ts";

const RETRY_MS = 500;

/** Keeps the stream declared for the subjects that this process publishes and consumes. */
export interface Declaring {
  /** Waits until everything requested so far is declared; `unavailable` at the deadline (`performance.now()`). */
  ready(deadline: number): Promise<void>;
  /**
   * Declares these subjects as well. `unavailable` at the deadline, but the declaration continues; `invalid` where
   * the stream cannot hold them: earlier declarations stay.
   */
  extend(subjects: readonly string[], deadline: number): Promise<void>;
  /** Whether the subject was requested. */
  holds(subject: string): boolean;
  /** Stops trying; waits for the attempt under way. */
  close(): Promise<void>;
}

/** Starts to declare at once. If the first declaration is refused, every `ready` rejects. */
export function createDeclaring(options: {
  readonly connection: Connection;
  readonly declaration: StreamDeclaration;
  /** How long one attempt may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly log: JetStreamLog;
}): Declaring {
  const { connection, declaration, timeoutMs, log } = options;
  const { stream } = declaration;
  let subjects: readonly string[] = declaration.subjects;
  let holds = createSubjectFilter(subjects);
  let closed = false;

  async function declare(): Promise<void> {
    for (let reported = false; !closed; ) {
      const deadline = performance.now() + timeoutMs;
      try {
        const jsm = await manager(await connection.live(deadline), deadline);
        const changed = await declareStreams(jsm, { ...declaration, subjects });
        if (changed.length > 0) log.info({ stream, field: changed.join(", ") }, "the stream was reconciled");
        return;
      } catch (error) {
        if (!isTransient(error)) throw toEventsError(error, `stream ${stream} cannot be declared`);
        if (!reported) log.warn({ err: error, stream }, "the stream is not declared yet; trying on");
        reported = true;
        await delay(RETRY_MS);
      }
    }
    throw new EventsError("unavailable", "events are closed");
  }

  let declaring = declare();
  // Each call reports it to its caller.
  declaring.catch(() => undefined);

  function ask(those: Iterable<string>): void {
    subjects = [...new Set(those)];
    holds = createSubjectFilter(subjects);
  }

  async function before(deadline: number, done: Promise<void>): Promise<void> {
    const timeout = new AbortController();
    const late = delay(Math.max(0, deadline - performance.now()), undefined, { signal: timeout.signal }).then(
      () => {
        throw new EventsError("unavailable", `stream ${stream} is not declared yet`);
      },
    );
    late.catch(() => undefined);
    await Promise.race([done, late]).finally(() => timeout.abort());
  }

  return {
    ready: (deadline) => before(deadline, declaring),
    async extend(more, deadline) {
      const fresh = more.filter((subject) => !subjects.includes(subject));
      if (fresh.length === 0) return before(deadline, declaring);
      ask([...subjects, ...fresh]);
      const last = declaring;
      const extending = last.then(declare).catch((error: unknown) => {
        ask(subjects.filter((subject) => !fresh.includes(subject)));
        throw error;
      });
      // A refusal concerns only its caller: earlier declarations stay for the others.
      declaring = extending.catch(() => last);
      declaring.catch(() => undefined);
      return before(deadline, extending);
    },
    holds: (subject) => holds(subject),
    async close() {
      closed = true;
      await declaring.catch(() => undefined);
    },
  };
}
