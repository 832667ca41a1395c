import { createBoundedCache } from "@wellapi/runtime";
import type { PatientBox } from "./patient-box.ts";

/** What was opened with patients' boxes, within a budget. */
export interface BoxCache<V> {
  get(box: PatientBox, name: string): V | undefined;
  set(box: PatientBox, name: string, value: V): void;
}

/**
 * Values belong to the box that opened them and go with its key, which is dropped when its session ends or the patient is
 * erased; beyond the budget those that nobody asked for longest go first.
 */
export function createBoxCache<V>(options: {
  /** In the metric of lookups. */
  readonly name: string;
  /** The sum of the weights. */
  readonly budget: number;
  /** What one reader asks must not push out all others: a heavier value is not kept. */
  readonly largest: number;
  readonly weigh: (value: V) => number;
}): BoxCache<V> {
  const { name: cacheName, budget, largest, weigh } = options;
  const opened = new WeakMap<PatientBox, Map<string, V>>();
  /** By last use. It must not keep a box alive, whose key may be gone. */
  const uses = createBoundedCache<{ readonly box: WeakRef<PatientBox>; readonly weight: number }>({
    name: cacheName,
    capacity: budget,
    weigh: ({ weight }) => weight,
    onDrop({ box }, name) {
      const still = box.deref();
      if (still !== undefined) opened.get(still)?.delete(name);
    },
  });
  return {
    get(box, name) {
      const value = opened.get(box)?.get(name);
      if (value !== undefined) uses.get(name);
      return value;
    },
    set(box, name, value) {
      uses.delete(name);
      const weight = weigh(value);
      if (weight > largest) return;
      const ofBox = opened.get(box) ?? new Map<string, V>();
      opened.set(box, ofBox);
      ofBox.set(name, value);
      uses.set(name, { box: new WeakRef(box), weight });
    },
  };
}
