import type { Timers } from "@wellapi/enforcer";
import type { Clock } from "@wellapi/runtime";

/** Seeded choices, so that a run is decided by its input alone (mulberry32). */
export class Chance {
  #state: number;
  constructor(seed: number) {
    this.#state = seed | 0;
  }
  /** 0 <= x < 1 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }
  happens(probability: number): boolean {
    return this.next() < probability;
  }
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * True time and the events in it. Everything of a run happens inside one event or in the promise jobs that it
 * sets off, so nothing depends on the machine's speed.
 */
export class World {
  readonly chance: Chance;
  /** True milliseconds. No node sees it. */
  now = 0;
  #order = 0;
  readonly #heap: Event[] = [];

  constructor(seed: number) {
    this.chance = new Chance(seed);
  }

  after(ms: number, run: () => void): void {
    const event = { at: this.now + Math.max(0, ms), order: this.#order++, run };
    const heap = this.#heap;
    let i = heap.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = event;
  }

  /** Runs all events up to this true time. Throws what `check` throws, after each event. */
  async runUntil(time: number, check: () => void): Promise<void> {
    while (this.#heap.length > 0 && this.#heap[0]!.at <= time) {
      const event = this.#pop();
      this.now = event.at;
      event.run();
      await new Promise((resolve) => setImmediate(resolve)); // all promise jobs run first
      check();
    }
    this.now = time;
  }

  #pop(): Event {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let i = 0;
    while (true) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** One process on one machine: it has clocks of its own, may be suspended, and dies at last. */
export class Node {
  readonly #world: World;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly #rate: number;
  #wallOffset: number;
  #stopped = 0;
  #alive = true;
  #suspension: { readonly since: number; readonly monotonicStops: boolean } | undefined;
  #backlog: Array<() => void> = [];

  constructor(world: World) {
    this.#world = world;
    this.#rate = 1 + world.chance.between(-20, 20) / 1000; // 2 % drift either way
    this.#wallOffset = 1_700_000_000_000 + world.chance.between(-5_000, 5_000);
    this.clock = { now: () => Math.floor(world.now + this.#wallOffset), monotonic: () => this.#monotonic() };
    this.timers = {
      after: (ms, run) => {
        let cancelled = false;
        const due = this.#monotonic() + ms;
        const fire = () => {
          if (cancelled) return;
          const left = due - this.#monotonic();
          if (left > 0.001) this.deliver(left / this.#rate, fire);
          else run();
        };
        this.deliver(ms / this.#rate, fire);
        return () => {
          cancelled = true;
        };
      },
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  get awake(): boolean {
    return this.#alive && !this.#suspension;
  }

  /** Runs on this node after a delay; waits while it is suspended, never runs once it is dead. */
  deliver(ms: number, run: () => void): void {
    this.#world.after(ms, () => this.#runOrWait(run));
  }

  /** A promise that settles on this node only. */
  settle<T>(ms: number, outcome: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.deliver(ms, () => {
        try {
          resolve(outcome());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  suspend(ms: number, monotonicStops: boolean): void {
    if (!this.awake) return;
    this.#suspension = { since: this.#world.now, monotonicStops };
    this.#world.after(ms, () => this.#resume());
  }

  jump(ms: number): void {
    this.#wallOffset += ms;
  }

  die(): void {
    this.#alive = false;
    this.#backlog = [];
  }

  #resume(): void {
    const suspension = this.#suspension;
    if (!suspension) return;
    this.#suspension = undefined;
    if (suspension.monotonicStops) this.#stopped += this.#world.now - suspension.since;
    const backlog = this.#backlog;
    this.#backlog = [];
    // Whatever comes first after waking comes first: a read must be as safe as a timer.
    for (const run of backlog) this.#world.after(0, () => this.#runOrWait(run));
  }

  #runOrWait(run: () => void): void {
    if (!this.#alive) return;
    if (this.#suspension) this.#backlog.push(run);
    else run();
  }

  #monotonic(): number {
    const suspension = this.#suspension;
    const frozen = suspension?.monotonicStops ? this.#world.now - suspension.since : 0;
    return (this.#world.now - this.#stopped - frozen) * this.#rate;
  }
}
