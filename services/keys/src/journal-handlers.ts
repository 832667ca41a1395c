import type { ServiceImpl } from "@connectrpc/connect";
import {
  AppendState,
  type Entry,
  type JournalService,
} from "@wellapi/gen/wellapi/internal/keys/v1/journal_service_pb";
import {
  type FactKind,
  type Entry as JournalEntry,
  JournalError,
  type JournalRepository,
  type Link,
} from "@wellapi/journal";
import { journalUnavailable } from "./errors.ts";

const states = {
  appended: AppendState.APPENDED,
  known: AppendState.KNOWN,
  conflict: AppendState.CONFLICT,
} as const;

/** No leaves: the recorded change has left its own. */
export function createJournalHandlers(journal: JournalRepository): ServiceImpl<typeof JournalService> {
  return {
    getExtent: () =>
      guard(async () => {
        const { journal: id, base, head } = await journal.extent();
        return { journal: id, base: linkOf(base), head: linkOf(head) };
      }),
    listEntries: ({ after, limit }) =>
      guard(async () => ({
        entries: (await journal.read(Number(after), limit)).map(({ position, mac, time, ...fact }) => {
          return { ...fact, link: linkOf({ position, mac }), timeMs: BigInt(time) };
        }),
      })),
    appendEntry: ({ entry }) => guard(async () => ({ state: states[await journal.append(entryOf(entry!))] })),
  };
}

const linkOf = ({ position, mac }: Link) => ({ position: BigInt(position), mac });

function entryOf({ link, kind, partition, subject, timeMs }: Entry): JournalEntry {
  const { position, mac } = link!;
  // A kind that this version does not know is kept for newer versions.
  return {
    kind: kind as FactKind,
    partition,
    subject,
    time: Number(timeMs),
    position: Number(position),
    mac,
  };
}

async function guard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof JournalError ? journalUnavailable(cause) : cause;
  }
}
