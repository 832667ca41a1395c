import type { Interval } from "../model/interval.ts";
import type { PatientBox } from "./patient-box.ts";
import type { SummarizedBlock } from "./summary.ts";

/** A patient-year of minutes takes about 500 KB. */
const BUDGET_BYTES = 32 * 1024 * 1024;
const BLOCK_BYTES = 500;
/** What one reader asks must not push out all others. */
const LARGEST_BYTES = BUDGET_BYTES / 4;

interface Opened extends Interval {
  /** The revision of the patient's head under which the blocks were read: whatever changes them replaces it. */
  readonly revision: number;
  readonly blocks: readonly SummarizedBlock[];
}

/**
 * Hours of series that were opened of late, so that a dashboard's next question opens nothing. They belong to the box
 * that opened them and go with its key, which is dropped when its session ends or the patient is erased; beyond the
 * budget those that nobody asked for longest go first.
 */
export function createOpenedHours(budgetBytes = BUDGET_BYTES) {
  const opened = new WeakMap<PatientBox, Map<string, Opened>>();
  /** By last use. It must not keep a box alive, whose key may be gone. */
  const uses = new Map<string, { readonly box: WeakRef<PatientBox>; readonly bytes: number }>();
  let total = 0;

  function forget(name: string): void {
    const use = uses.get(name);
    if (use === undefined) return;
    uses.delete(name);
    total -= use.bytes;
    const box = use.box.deref();
    if (box !== undefined) opened.get(box)?.delete(name);
  }

  return {
    /** The series' blocks that reach into the interval, as of that revision; undefined where they must be read. */
    get(box: PatientBox, name: string, revision: number, interval: Interval): SummarizedBlock[] | undefined {
      const known = opened.get(box)?.get(name);
      if (known === undefined || known.revision !== revision) return undefined;
      if (known.from > interval.from || known.to < interval.to) return undefined;
      const use = uses.get(name)!;
      uses.delete(name);
      uses.set(name, use);
      return known.blocks.filter(({ from, until }) => until > interval.from && from < interval.to);
    },

    set(box: PatientBox, name: string, hours: Opened): void {
      forget(name);
      const bytes = hours.blocks.reduce((sum, block) => sum + bytesOf(block), 0);
      if (bytes > Math.min(LARGEST_BYTES, budgetBytes)) return;
      const ofBox = opened.get(box) ?? new Map<string, Opened>();
      opened.set(box, ofBox);
      ofBox.set(name, hours);
      uses.set(name, { box: new WeakRef(box), bytes });
      total += bytes;
      while (total > budgetBytes) forget(uses.keys().next().value!);
    },
  };
}

function bytesOf({ summary }: SummarizedBlock): number {
  if (summary === undefined) return BLOCK_BYTES;
  return BLOCK_BYTES + summary.starts.byteLength * (3 + 3 * summary.parts.length);
}
