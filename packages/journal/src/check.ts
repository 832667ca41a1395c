import { type Document, type Finding, findingOf, type Reads, type StoreCheck } from "@wellapi/store";
import type { Kms } from "@wellapi/vault";
import { follows, nextEntry, sameBytes } from "./chain.ts";
import {
  ENTRIES,
  type EntryDocument,
  EXTENT,
  type ExtentDocument,
  entryOf,
  journalRepositoryCollections,
  PARTITION,
} from "./journal-repository.ts";
import type { Link } from "./port.ts";

const PAGE = 500;
const remedy =
  "keep its files for whoever investigates, and put back a copy of the journal that is whole (docs/operations.md, Damage)";
const means =
  "what was revoked or erased may not be replayed after a restore; the exchange does not start on a journal that is damaged";

/** Checks that each entry follows the one before it, up to the head. */
export async function journalCheck(reads: Reads, kms: Kms): Promise<StoreCheck> {
  const key = await kms.derive("journal");
  return {
    collections: journalRepositoryCollections,
    documents: {},
    async *together() {
      const stored = await reads.get<ExtentDocument>(EXTENT, [PARTITION]);
      if (stored === undefined) return;
      const { journal, base, head } = stored.document;
      let at: Link = base;
      /**
       * The MAC that the entry before should have, where the stored one differs: the next entry follows one of the
       * two.
       */
      let instead: Link | undefined;
      while (at.position < head.position) {
        const { documents } = await reads.scan<EntryDocument & Document>(ENTRIES, {
          equals: [PARTITION],
          range: { after: at.position },
          limit: PAGE,
        });
        for (const { document } of documents) {
          const entry = entryOf(document);
          if (entry.position !== at.position + 1) break;
          const whole =
            follows(key, journal, at, entry) ||
            (instead !== undefined && follows(key, journal, instead, entry));
          if (!whole) yield wrong(entry.position, "is not the one that was written");
          instead = whole ? undefined : nextEntry(key, journal, at, entry);
          at = { position: entry.position, mac: entry.mac };
        }
        const next = documents[0] && entryOf(documents[0].document).position;
        if (next === undefined || at.position < next) {
          yield wrong(at.position + 1, "is missing");
          if (next === undefined) return;
          at = { position: next, mac: entryOf(documents[0]!.document).mac };
        }
      }
      const macs = [at.mac, ...(instead === undefined ? [] : [instead.mac])];
      if (at.position !== head.position || !macs.some((mac) => sameBytes(mac, head.mac))) {
        yield wrong(head.position, "is not the one that the head names");
      }
    },
  };
}

function wrong(position: number, what: string): Finding {
  const said = { what: `entry ${position} of the journal ${what}`, means, remedy };
  return findingOf(ENTRIES, [PARTITION, position], said);
}
