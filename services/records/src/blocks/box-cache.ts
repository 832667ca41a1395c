import { createBoundedCache } from "@wellapi/runtime";
import type { PatientBox } from "./patient-box.ts";

/** Values opened with patients' boxes, within a budget. */
export interface BoxCache<V> {
  get(box: PatientBox, name: string): V | undefined;
  set(box: PatientBox, name: string, value: V): void;
}

/**
 * A value belongs to the box that opened it and goes with the box's key, which is dropped when its session ends or
 * the patient is erased; beyond the budget the least recently used values go first.
 */
export function createBoxCache<V>(options: {
  /** Name in the metric of lookups. */
  readonly name: string;
  /** The sum of the weights. */
  readonly budget: number;
  /** One reader's values must not evict all others: a heavier value is not kept. */
  readonly largest: number;
  readonly weigh: (value: V) => number;
}): BoxCache<V> {
  const { name: cacheName, budget, largest, weigh } = options;
  const opened = new WeakMap<PatientBox, Map<string, V>>();
  /** By last use. The map must not keep a box alive whose key may be gone. */
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
