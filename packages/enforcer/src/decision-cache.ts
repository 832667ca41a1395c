import { type DatedDecision, judge, type Permitted } from "./permits.ts";
import type { Decision, Question } from "./port.ts";

interface Permitting {
  readonly permitted: Permitted;
  current: DatedDecision;
}

type Denial = Extract<Decision, { permitted: false }>;

/** An answer that a session may keep only if the consent service said until when. */
type Denied = { readonly denied: Denial; readonly until?: number };

const denialsToPermits = 1 / 4;

/**
 * Decisions, the least recently used dropped first; by partition, so that a recall drops exactly one patient's. It knows nothing of
 * sessions: its owner uses it under a live one only. Denials have room of their own: who asks in vain does not drop what others use.
 */
export class DecisionCache {
  readonly #permitting: Shelf<Permitting>;
  readonly #denying: Shelf<DatedDecision>;

  /** `capacity`: decisions that permit; a quarter of as many that deny. */
  constructor(capacity: number) {
    this.#permitting = new Shelf(capacity);
    this.#denying = new Shelf(Math.ceil(capacity * denialsToPermits));
  }

  get size(): number {
    return this.#permitting.size + this.#denying.size;
  }

  put(question: Question, permitted: Permitted, now: number): void {
    const key = keyOf(question);
    this.#denying.delete(key);
    this.#permitting.put(key, question.partition, { permitted, current: judge(permitted, now) });
  }

  putDenial(question: Question, { denied, until }: Denied, now: number): void {
    const key = keyOf(question);
    this.#permitting.delete(key);
    if (until === undefined) this.#denying.delete(key);
    else this.#denying.put(key, question.partition, { decision: denied, from: now, to: until });
  }

  /** The decision where it is known for `now`. That no permit is in force is none: the consent service knows the reason. */
  get(question: Question, now: number): Decision | undefined {
    const key = keyOf(question);
    const permitting = this.#permitting.get(key);
    if (permitting === undefined) {
      const denying = this.#denying.get(key);
      if (denying === undefined || now < denying.from || now >= denying.to) return undefined;
      this.#denying.use(key);
      return denying.decision;
    }
    const { permitted, current } = permitting;
    if (now < current.from || now >= current.to) permitting.current = judge(permitted, now);
    if (!permitting.current.decision.permitted) return undefined;
    this.#permitting.use(key);
    return permitting.current.decision;
  }

  drop(partition: string): void {
    this.#permitting.drop(partition);
    this.#denying.drop(partition);
  }

  clear(): void {
    this.#permitting.clear();
    this.#denying.clear();
  }
}

/** Of one kind of answer, at most so many. */
class Shelf<V> {
  readonly #capacity: number;
  readonly #entries = new Map<string, { readonly partition: string; readonly value: V }>();
  readonly #keysOf = new Map<string, Set<string>>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)?.value;
  }

  put(key: string, partition: string, value: V): void {
    this.delete(key);
    this.#entries.set(key, { partition, value });
    const keys = this.#keysOf.get(partition);
    if (keys) keys.add(key);
    else this.#keysOf.set(partition, new Set([key]));
    if (this.#entries.size > this.#capacity) {
      for (const oldest of this.#entries.keys()) {
        this.delete(oldest);
        break;
      }
    }
  }

  /** It is the last now to be dropped. */
  use(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    const keys = this.#keysOf.get(entry.partition);
    keys?.delete(key);
    if (keys?.size === 0) this.#keysOf.delete(entry.partition);
  }

  drop(partition: string): void {
    for (const key of this.#keysOf.get(partition) ?? []) this.#entries.delete(key);
    this.#keysOf.delete(partition);
  }

  clear(): void {
    this.#entries.clear();
    this.#keysOf.clear();
  }
}

/** The code comes last: it is the only field from outside, and could hold a line feed. */
function keyOf(question: Question): string {
  const {
    partition,
    organization,
    direction,
    code,
    purpose,
    region,
    person = "",
    aheadSeconds = 0,
  } = question;
  return `${partition}\n${organization}\n${direction}\n${purpose}\n${region}\n${person}\n${aheadSeconds}\n${code}`;
}
