import type { Document, Store } from "@wellapi/store";
import type { Goal } from "./goal.ts";

const collection = "goals";

/**
 * A goal as it is stored. The program that had v1 alone wrote `steps`, a day: what it wrote opens, and is written anew when it is
 * replaced.
 */
type StoredGoal = Goal | { readonly steps: number };

/** An older program, which would not know a week, refuses the store of this one. */
export const goalCollections = [{ name: collection, key: ["partition"], indexes: [], version: 2 }] as const;

export function createGoalRepository(store: Store) {
  return {
    async find(organization: string): Promise<Goal | undefined> {
      const stored = await store.get<Document & StoredGoal>(collection, [organization]);
      if (stored === undefined) return undefined;
      const document: StoredGoal = stored.document;
      if ("steps" in document) return { measure: "steps", amount: document.steps, period: "day" };
      const { measure, amount, period } = document;
      return { measure, amount, period };
    },
    /** The last one wins. */
    async replace(organization: string, goal: Goal): Promise<void> {
      for (;;) {
        const stored = await store.get(collection, [organization]);
        const document = { partition: organization, ...goal };
        const change =
          stored === undefined
            ? ({ kind: "insert", collection, document } as const)
            : ({ kind: "replace", collection, document, ifRevision: stored.revision } as const);
        if ((await store.commit({ partition: organization, changes: [change] })).committed) return;
      }
    },
  };
}

export type GoalRepository = ReturnType<typeof createGoalRepository>;
