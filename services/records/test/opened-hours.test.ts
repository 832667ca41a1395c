import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { createOpenedHours } from "../src/blocks/opened-hours.ts";
import type { PatientBox } from "../src/blocks/patient-box.ts";
import type { SummarizedBlock } from "../src/blocks/summary.ts";

const HOUR = 3_600_000;
const box = () => ({}) as PatientBox;
const hours = 100;

/** Blocks of a hundred hours, one after another. */
function blocks(count: number): SummarizedBlock[] {
  return Array.from({ length: count }, (_, i) => {
    const from = i * hours * HOUR;
    const starts = Float64Array.from({ length: hours }, (_, hour) => from + hour * HOUR);
    const source = {
      organization: "org",
      application: "app",
      device: "",
      model: "",
      method: 0,
      granularity: 1,
    };
    const summary = { source, starts, counts: starts, sequences: starts, overhang: 0, parts: [] };
    const to = from + hours * HOUR;
    return { from, to, until: to, summary };
  });
}

describe("opened hours", () => {
  const interval = { from: 0, to: 300 * HOUR };

  it("answer for the same revision and what lies within the interval, and for nothing else", () => {
    const opened = createOpenedHours();
    const [own, other] = [box(), box()];
    const all = blocks(3);
    opened.set(own, "a", { ...interval, revision: 4, blocks: all });
    expect(opened.get(own, "a", 4, interval)).toEqual(all);
    expect(opened.get(own, "a", 4, { from: 100 * HOUR, to: 200 * HOUR })).toEqual([all[1]]);
    expect(opened.get(own, "a", 5, interval)).toBeUndefined();
    expect(opened.get(own, "a", 4, { from: 0, to: 301 * HOUR })).toBeUndefined();
    expect(opened.get(own, "b", 4, interval)).toBeUndefined();
    // Another key's: the patient's key was dropped and asked for again.
    expect(opened.get(other, "a", 4, interval)).toBeUndefined();
    opened.set(own, "a", { ...interval, revision: 5, blocks: [] });
    expect(opened.get(own, "a", 4, interval)).toBeUndefined();
    expect(opened.get(own, "a", 5, interval)).toEqual([]);
  });

  it("keep to their budget: those go first that nobody asked for longest", () => {
    const opened = createOpenedHours(10_000); // three of one block
    const own = box();
    const set = (name: string) => opened.set(own, name, { ...interval, revision: 1, blocks: blocks(1) });
    const kept = () =>
      ["a", "b", "c", "d"].filter((name) => opened.get(own, name, 1, interval) !== undefined);
    for (const name of ["a", "b", "c"]) set(name);
    expect(kept()).toEqual(["a", "b", "c"]);
    opened.get(own, "a", 1, interval);
    set("d");
    expect(kept()).toEqual(["a", "c", "d"]);
    opened.set(own, "a", { ...interval, revision: 1, blocks: blocks(10) });
    expect(kept()).toEqual(["c", "d"]);
  });

  it("go with their key", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const opened = createOpenedHours();
    const gone = (() => {
      const all = blocks(3);
      opened.set(box(), "a", { ...interval, revision: 1, blocks: all });
      return new WeakRef(all[0]!);
    })();
    const isGone = async () => {
      await delay(0); // a weak reference holds until the end of the turn in which it was asked
      collect();
      return gone.deref() === undefined;
    };
    await expect.poll(isGone).toBe(true);
  });
});
