import type { Kms } from "@wellapi/vault";
import { follows, nextEntry } from "./chain.ts";
import { JournalError } from "./errors.ts";
import type { Extent, Fact, Journal, JournalRepository, Link } from "./port.ts";

const PAGE = 500;
/** This many appends in a row that another writer overtook mean that something is wrong. */
const ATTEMPTS = 50;

/**
 * A journal whose entries are authenticated with a key that the KMS derives: the party that stores it cannot add to
 * it.
 */
export async function createJournal(deps: {
  readonly repository: JournalRepository;
  readonly kms: Kms;
}): Promise<Journal> {
  const { repository } = deps;
  const key = await deps.kms.derive("journal");
  /** The head after the last append of this process. */
  let seen: Pick<Extent, "journal" | "head"> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function append(fact: Fact): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { journal, head } = seen ?? (await repository.extent());
      const entry = nextEntry(key, journal, head, fact);
      seen = undefined;
      const outcome = await repository.append(entry);
      if (outcome === "conflict") continue;
      if (outcome === "appended") seen = { journal, head: { position: entry.position, mac: entry.mac } };
      return;
    }
    throw new JournalError("unavailable", "the journal is written to by too many at once: try again");
  }

  return {
    extent: () => repository.extent(),
    read: (after, limit) => repository.read(after, limit),
    append(fact) {
      // One after the other: concurrent appends would only overtake each other.
      const appended = last.then(() => append(fact));
      last = appended.catch(() => {});
      return appended;
    },
    async *entries(after) {
      const { journal, head } = await repository.extent();
      let at: Link = after;
      while (at.position < head.position) {
        const page = await repository.read(at.position, PAGE);
        for (const entry of page) {
          if (!follows(key, journal, at, entry)) throw tampered(entry.position);
          yield entry;
          at = { position: entry.position, mac: entry.mac };
        }
        if (page.length === 0) throw tampered(at.position + 1);
      }
    },
  };
}

function tampered(position: number): JournalError {
  return new JournalError(
    "tampered",
    `entry ${position} of the journal is not the one that was written: keep its files for whoever investigates, and put back a copy of the journal that is whole`,
  );
}
