import type { Document, Store } from "@wellapi/store";
import { collections, INSTALLATION } from "../collections.ts";
import type { CommitWithLeaf } from "../creation.ts";
import { put } from "../put.ts";
import { mostAheadSeconds, type OrganizationClocks, withClockMoved } from "./organization-clock.ts";

/** All clocks of a sandbox, with their revision: greater after each move, 0 where none was moved. */
export interface StoredClocks {
  readonly revision: number;
  readonly clocks: OrganizationClocks;
}

/** All clocks lie in one document, so that who reads them reads one instant. */
export interface OrganizationClockRepository {
  clocks(): Promise<StoredClocks>;
  /** By how many milliseconds the organization's is ahead. */
  aheadOf(organization: string): Promise<number>;
  /** Throws what `withClockMoved` throws. */
  move(organization: string, aheadSeconds: number, commit: CommitWithLeaf): Promise<void>;
}

interface ClocksDocument extends Document {
  readonly partition: typeof INSTALLATION;
  readonly version: number;
  readonly clocks: ReadonlyArray<{ readonly organization: string; readonly ahead_seconds: number }>;
}

const collection = collections.organizationClocks;

export function createOrganizationClockRepository(store: Store): OrganizationClockRepository {
  const stored = () => store.get<ClocksDocument>(collection, [INSTALLATION]);
  async function clocks(): Promise<StoredClocks> {
    const document = (await stored())?.document;
    return { revision: document?.version ?? 0, clocks: clocksOf(document) };
  }

  return {
    clocks,
    aheadOf: async (organization) => ((await clocks()).clocks.get(organization) ?? 0) * 1_000,
    async move(organization, aheadSeconds, commit) {
      for (;;) {
        const found = await stored();
        const before = clocksOf(found?.document);
        const clocks = withClockMoved(before, organization, aheadSeconds);
        if (clocks === before) return;
        const document: ClocksDocument = {
          partition: INSTALLATION,
          version: (found?.document.version ?? 0) + 1,
          clocks: [...clocks].map(([one, ahead]) => ({ organization: one, ahead_seconds: ahead })),
        };
        const change = { partition: INSTALLATION, changes: [put(collection, document, found)] };
        if ((await commit(change)).committed) return;
      }
    },
  };
}

function clocksOf(document: ClocksDocument | undefined): OrganizationClocks {
  const all = document?.clocks ?? [];
  return new Map(all.map((one) => [one.organization, Math.min(one.ahead_seconds, mostAheadSeconds)]));
}
