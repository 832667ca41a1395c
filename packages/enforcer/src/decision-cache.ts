import { type DatedDecision, judge, type Permitted } from "./permits.ts";
import type { Decision, Question } from "./port.ts";

interface Entry {
  readonly partition: string;
  readonly permitted: Permitted;
  current: DatedDecision;
}

/**
 * Permitting decisions, at most `capacity`, the least recently used dropped first; by partition, so that a
 * recall drops exactly one patient's. It knows nothing of sessions: its owner uses it under a live one only.
 */
export class DecisionCache {
  readonly #capacity: number;
  readonly #entries = new Map<string, Entry>();
  readonly #keysOf = new Map<string, Set<string>>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  put(question: Question, permitted: Permitted, now: number): void {
    const key = keyOf(question);
    this.#delete(key);
    this.#entries.set(key, { partition: question.partition, permitted, current: judge(permitted, now) });
    const keys = this.#keysOf.get(question.partition);
    if (keys) keys.add(key);
    else this.#keysOf.set(question.partition, new Set([key]));
    if (this.#entries.size > this.#capacity) {
      for (const oldest of this.#entries.keys()) {
        this.#delete(oldest);
        break;
      }
    }
  }

  /** The decision where it permits now. A denial is never returned: without a decision the caller asks the consent service. */
  get(question: Question, now: number): Decision | undefined {
    const key = keyOf(question);
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (now < entry.current.from || now >= entry.current.to) entry.current = judge(entry.permitted, now);
    if (!entry.current.decision.permitted) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.current.decision;
  }

  drop(partition: string): void {
    for (const key of this.#keysOf.get(partition) ?? []) this.#entries.delete(key);
    this.#keysOf.delete(partition);
  }

  clear(): void {
    this.#entries.clear();
    this.#keysOf.clear();
  }

  #delete(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    const keys = this.#keysOf.get(entry.partition);
    keys?.delete(key);
    if (keys?.size === 0) this.#keysOf.delete(entry.partition);
  }
}

/** The code comes last: it is the only field from outside, and could hold a line feed. */
function keyOf({ partition, organization, direction, code, purpose, region, person = "" }: Question): string {
  return `${partition}\n${organization}\n${direction}\n${purpose}\n${region}\n${person}\n${code}`;
}
