import type { Timers } from "@wellapi/enforcer";
import type { Clock, Ids, Logger } from "@wellapi/runtime";
import type { RecallScope } from "./consent.ts";
import { ConsentError } from "./errors.ts";
import { type OwedRecall, owes, type Sessions } from "./session-repository.ts";
import { type SessionStreams, sessionTtlMs } from "./session-streams.ts";

/**
 * How much longer than its time to live a silent session is given, by this service's monotonic clock: the part of a
 * suspension that an enforcer does not notice (`clockToleranceMs` in @wellapi/enforcer, 200 ms) and 6 % of drift
 * between the two clocks.
 */
export const sessionMarginMs = 300;

/** If the store fails for longer than this, the revocation answers UNAVAILABLE. */
const patienceMs = 10_000;
const shortestPollMs = 10;
const longestPollMs = 100;

export interface RecallsOptions {
  readonly sessions: Sessions;
  readonly streams: Pick<SessionStreams, "push" | "onAcknowledged">;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly ids: Ids;
  readonly log: Logger;
}

/** Concerns nobody: this recall only finds out whether a session still lives. */
const probe: Omit<OwedRecall, "recall"> = { partition: "", onlyWidens: true, grantees: [] };

/** Makes every enforcer drop a patient's decisions and cut the answers from which a change takes something away. */
export class Recalls {
  protected readonly options: RecallsOptions;
  #closed = false;

  constructor(options: RecallsOptions) {
    this.options = options;
  }

  /**
   * Resolves when no session can use a decision about the patient from before the call, nor pass on an answer that
   * `scope` affects: each session has acknowledged, or has run out. The change of consent is committed before the
   * call; sessions that open later decide from it. Throws ConsentError `unavailable`: the recall is not complete, run
   * it again.
   */
  async recall(partition: string, scope: RecallScope): Promise<void> {
    const sessions = await this.#persist(() => this.options.sessions.list());
    await Promise.all(sessions.map((session) => this.#recallFrom(session, { partition, ...scope })));
  }

  /** Deletes a session whose stream has ended, once it has run out: a recall of nobody that is never answered. */
  async retire(session: string): Promise<void> {
    await this.#recallFrom(session, probe);
  }

  /** Stops recalls under way; sessions keep the recalls that they owe. */
  close(): void {
    this.#closed = true;
  }

  async #recallFrom(session: string, change: Omit<OwedRecall, "recall">): Promise<void> {
    const { sessions, streams, clock, ids } = this.options;
    // An id for this run and session alone. If two runs shared one, they could take the other's later recall for
    // their own earlier one, and count a session as run out that was renewed in between.
    const recall = ids.next("rcl");
    if (!(await this.#persist(() => sessions.owe(session, { recall, ...change })))) return;
    const since = clock.monotonic();
    if (change !== probe) streams.push(session, { recall, ...change });
    const over = () => clock.monotonic() - since >= this.waitMs();
    for (let pollMs = shortestPollMs; ; pollMs = Math.min(longestPollMs, pollMs * 2)) {
      await this.#acknowledgedOrAfter(session, Math.min(pollMs, this.waitMs() - (clock.monotonic() - since)));
      const stored = await this.#persist(() => sessions.get(session));
      if (!stored || !owes(stored.document, recall)) return;
      if (over() && (await this.#persist(() => sessions.deleteOwing(session, recall)))) return;
    }
  }

  /** After `owe` no session was renewed, so the last lease began before it. */
  protected waitMs(): number {
    return sessionTtlMs + sessionMarginMs;
  }

  #acknowledgedOrAfter(session: string, ms: number): Promise<void> {
    const { streams, timers } = this.options;
    return new Promise((resolve) => {
      const done = () => {
        forget();
        cancel();
        resolve();
      };
      const forget = streams.onAcknowledged(session, done);
      const cancel = timers.after(Math.max(1, ms), done);
    });
  }

  /** Tries again while the store fails. Each step may be repeated without harm. */
  async #persist<T>(step: () => Promise<T>): Promise<T> {
    const { clock, timers, log } = this.options;
    const deadline = clock.monotonic() + patienceMs;
    for (let pauseMs = 50; ; pauseMs = Math.min(1_000, pauseMs * 2)) {
      if (this.#closed) throw new ConsentError("unavailable");
      try {
        return await step();
      } catch (cause) {
        if (clock.monotonic() + pauseMs >= deadline) throw new ConsentError("unavailable", { cause });
        log.warn({ err: cause }, "a step of a recall failed; trying again");
        await new Promise<void>((resolve) => timers.after(pauseMs, resolve));
      }
    }
  }
}
