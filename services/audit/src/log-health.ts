import type { LogDamage } from "@wellapi/log-verifier";
import { damagedEntries, damagedTree, takesNoEntries } from "./errors.ts";

/**
 * What is known of the log's damage. Two things are told apart: an entry whose bytes are damaged (its leaf hash stands in
 * the tree, so the tree grows and is signed on), and a stored tree that nothing confirms: then the log takes no entries
 * and signs nothing.
 */
export interface LogHealth {
  /** Whether the stored tree may grow and be signed. */
  treeIsSound(): boolean;
  setTreeSound(sound: boolean): void;
  /** Whether every entry has been compared with the tree since the start. */
  checked(): boolean;
  /** Replaces what an earlier check found among the entries. */
  setDamages(damages: readonly LogDamage[]): void;
  damages(): readonly LogDamage[];
  /** The leaf hash of an entry whose bytes are damaged. */
  leafHashOf(index: number): Uint8Array | undefined;
  /** Throws `log_damaged` where an entry of [start, end) cannot be shown. */
  assertEntries(start: number, end: number): void;
  /** Throws `log_damaged` where a leaf hash of [start, end) is not known. */
  assertHashes(start: number, end: number): void;
  /** Throws `log_damaged` where nothing can be proven. */
  assertProvable(): void;
  /** Throws `log_damaged` where the log takes no entries. */
  assertTakesEntries(): void;
}

export function createLogHealth(): LogHealth {
  let sound = true;
  let known: readonly LogDamage[] | undefined;
  let entries = new Map<number, Uint8Array>();

  const within = (start: number, end: number) =>
    known?.find((one) => one.kind === "range" && one.start < end && start < one.end) as
      | Extract<LogDamage, { kind: "range" }>
      | undefined;

  return {
    treeIsSound: () => sound,
    setTreeSound(value) {
      sound = value;
    },
    checked: () => known !== undefined,
    setDamages(damages) {
      known = damages;
      entries = new Map(damages.flatMap((one) => (one.kind === "entry" ? [[one.index, one.leafHash]] : [])));
    },
    damages: () => known ?? [],
    leafHashOf: (index) => entries.get(index),
    assertEntries(start, end) {
      for (const index of entries.keys())
        if (index >= start && index < end) throw damagedEntries(index, index + 1);
      const range = within(start, end);
      if (range !== undefined) throw damagedEntries(range.start, range.end);
    },
    assertHashes(start, end) {
      const range = within(start, end);
      if (range !== undefined) throw damagedEntries(range.start, range.end);
    },
    assertProvable() {
      if (!sound) throw damagedTree();
    },
    assertTakesEntries() {
      if (!sound) throw takesNoEntries();
    },
  };
}
