import { encodeFrontier, type Frontier } from "@wellapi/merkle";
import type { DamageReporter } from "@wellapi/runtime";
import type { LogHealth } from "./log-health.ts";

/** Notices that the stored tree was changed behind this process's back: nobody else writes it. */
export interface TreeGuard {
  /** False where the stored tree is another one than this process left: then it is not sound any more. */
  isExpected(stored: Frontier): boolean;
  /** Before the commit that replaces one tree by another: one of both is stored, even where the commit seems to fail. */
  expect(before: Frontier, after: Frontier): void;
}

export function createTreeGuard(health: Pick<LogHealth, "setTreeSound">, damage: DamageReporter): TreeGuard {
  let possible: readonly Uint8Array[] | undefined;
  return {
    isExpected(stored) {
      const bytes = encodeFrontier(stored);
      possible ??= [bytes];
      if (possible.some((one) => Buffer.compare(one, bytes) === 0)) return true;
      health.setTreeSound(false);
      const what =
        "the stored tree of the log is not the one that was written: it takes no entries, and signs nothing";
      damage.report({ collection: "log_state", document: ["log", "tree"], what }, undefined);
      return false;
    },
    expect(before, after) {
      possible = [encodeFrontier(before), encodeFrontier(after)];
    },
  };
}
