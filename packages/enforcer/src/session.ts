import { DecisionCache } from "./decision-cache.ts";
import { type ClockReading, leaseEnd, type SessionLease } from "./lease.ts";
import { type DatedPermit, judge, type Permitted } from "./permits.ts";
import type { Decision, Question, Recall } from "./port.ts";

/** Messages of the consent service. */
export type Incoming =
  | { readonly kind: "opened"; readonly ttlMs: number }
  | { readonly kind: "renewed"; readonly sequence: number }
  | ({ readonly kind: "recall"; readonly recall: string } & Recall);

/** Messages of the enforcer. */
export type Outgoing =
  | { readonly kind: "open" }
  | { readonly kind: "renew"; readonly sequence: number }
  | { readonly kind: "acknowledge"; readonly recall: string };

/** The consent service's answer to a question. */
export type Answer =
  | (Permitted & { readonly permits: readonly [DatedPermit, ...DatedPermit[]] })
  | {
      readonly denied: Extract<Decision, { permitted: false }>;
      /** Without a recall it stays as it is until then, UTC milliseconds. Absent: it holds for this question alone. */
      readonly until?: number;
    };

/** A question under way. It becomes stale when its patient is recalled or its session ends. */
export interface Ask {
  readonly question: Question;
  stale: boolean;
}

export interface SessionOptions {
  /** Most cached decisions that permit; and a quarter of as many that deny. */
  readonly capacity: number;
  readonly renewEveryMs: number;
  /** How long an opening may take. */
  readonly openWithinMs: number;
}

type Phase =
  | { readonly kind: "none" }
  | { readonly kind: "opening"; readonly sent: ClockReading }
  | {
      readonly kind: "live";
      lease: SessionLease;
      sequence: number;
      lastSent: ClockReading;
      pending: Map<number, ClockReading>;
    };

/**
 * The enforcer's side of the session protocol as a state machine without I/O: the driver passes each message, each
 * tick and each reading of the clocks, and sends the returned messages in order. One machine lives through many
 * sessions. The invariant on which everything depends: the cache is empty whenever no session is live, and holds
 * nothing of a patient between their recall and the next answer to a question asked after it.
 */
export class Session {
  readonly #options: SessionOptions;
  protected readonly cache: DecisionCache;
  readonly #asks = new Map<string, Set<Ask>>();
  #phase: Phase = { kind: "none" };

  constructor(options: SessionOptions) {
    this.#options = options;
    this.cache = new DecisionCache(options.capacity);
  }

  /** `none` once a session has ended: the driver then closes the stream and connects again. */
  get phase(): Phase["kind"] {
    return this.#phase.kind;
  }

  /** Whether a session is live at this instant. */
  isLive(at: ClockReading): boolean {
    this.check(at);
    return this.#phase.kind === "live";
  }

  /** A new stream. `at` was read before anything was sent on it. */
  connect(at: ClockReading): Outgoing[] {
    this.end();
    this.#phase = { kind: "opening", sent: at };
    return [{ kind: "open" }];
  }

  /** A message arrived. The returned messages are sent after the recall's listeners have run. */
  receive(message: Incoming, at: ClockReading): Outgoing[] {
    this.check(at);
    const phase = this.#phase;
    if (message.kind === "opened" && phase.kind === "opening") {
      const lease = { start: this.leaseStart(phase.sent, at), ttlMs: message.ttlMs };
      this.#phase = { kind: "live", lease, sequence: 0, lastSent: phase.sent, pending: new Map() };
      this.check(at);
    } else if (message.kind === "renewed" && phase.kind === "live") {
      this.#renewed(phase, message.sequence, at);
    } else if (message.kind === "recall" && phase.kind === "live") {
      return this.recalled(message.recall, message.partition, at);
    }
    return [];
  }

  /** Time passed. */
  tick(at: ClockReading): Outgoing[] {
    this.check(at);
    const phase = this.#phase;
    if (phase.kind !== "live") return [];
    if (at.monotonic - phase.lastSent.monotonic < this.#options.renewEveryMs) return [];
    return [this.#renew(phase, at)];
  }

  /** The stream broke, or the driver gives it up. */
  end(): void {
    this.#phase = { kind: "none" };
    this.cache.clear();
    for (const asks of this.#asks.values()) for (const ask of asks) ask.stale = true;
    this.#asks.clear();
  }

  /** The cached decision if it is sure at this instant. For hot paths. */
  peek(question: Question, at: ClockReading): Decision | undefined {
    this.check(at);
    return this.#phase.kind === "live" ? this.cache.get(question, timeOf(question, at)) : undefined;
  }

  /** Before the question is sent; undefined where no session is live. */
  ask(question: Question, at: ClockReading): Ask | undefined {
    this.check(at);
    if (this.#phase.kind !== "live") return undefined;
    const ask: Ask = { question, stale: false };
    const asks = this.#asks.get(question.partition);
    if (asks) asks.add(ask);
    else this.#asks.set(question.partition, new Set([ask]));
    return ask;
  }

  /** The answer, or undefined if it may be neither used nor kept: ask again. */
  answer(ask: Ask, answer: Answer, at: ClockReading): Decision | undefined {
    this.check(at); // while the ask is registered: a session that ends just now makes it stale
    this.abandon(ask);
    if (!this.usable(ask)) return undefined;
    const now = timeOf(ask.question, at);
    if ("denied" in answer) {
      this.cache.putDenial(ask.question, answer, now);
      return answer.denied;
    }
    this.cache.put(ask.question, answer, now);
    return judge(answer, now).decision;
  }

  /** No answer will come. */
  abandon(ask: Ask): void {
    const asks = this.#asks.get(ask.question.partition);
    asks?.delete(ask);
    if (asks?.size === 0) this.#asks.delete(ask.question.partition);
  }

  /** Ends the session if its lease is over or its clocks disagree. */
  protected check(at: ClockReading): void {
    const phase = this.#phase;
    if (phase.kind === "live" && this.leaseOver(phase.lease, at)) this.end();
    if (phase.kind === "opening" && at.monotonic - phase.sent.monotonic > this.#options.openWithinMs) {
      this.end();
    }
  }

  protected leaseOver(lease: SessionLease, at: ClockReading): boolean {
    return leaseEnd(lease, at) !== undefined;
  }

  /** From before it was sent: the service counts from a later instant, so it never ends first. */
  protected leaseStart(sent: ClockReading, _received: ClockReading): ClockReading {
    return sent;
  }

  protected usable(ask: Ask): boolean {
    return !ask.stale;
  }

  protected recalled(recall: string, partition: string, at: ClockReading): Outgoing[] {
    this.drop(partition);
    const phase = this.#phase;
    const reply: Outgoing[] = [{ kind: "acknowledge", recall }];
    // This recall may have caused a renewal under way to be refused: ask again right behind the acknowledgement.
    if (phase.kind === "live" && phase.pending.size > 0) reply.push(this.#renew(phase, at));
    return reply;
  }

  protected drop(partition: string): void {
    this.cache.drop(partition);
    for (const ask of this.#asks.get(partition) ?? []) ask.stale = true;
  }

  #renew(phase: Extract<Phase, { kind: "live" }>, at: ClockReading): Outgoing {
    phase.sequence += 1;
    phase.lastSent = at;
    phase.pending.set(phase.sequence, at);
    return { kind: "renew", sequence: phase.sequence };
  }

  #renewed(phase: Extract<Phase, { kind: "live" }>, sequence: number, at: ClockReading): void {
    const sent = phase.pending.get(sequence);
    if (!sent) return;
    for (const earlier of phase.pending.keys()) if (earlier <= sequence) phase.pending.delete(earlier);
    phase.lease = { ...phase.lease, start: this.leaseStart(sent, at) };
  }
}

/** What time it is for the organization that asks, UTC milliseconds. Leases and sessions live in this process's time alone. */
function timeOf({ aheadSeconds = 0 }: Question, at: ClockReading): number {
  return at.wall + aheadSeconds * 1_000;
}
