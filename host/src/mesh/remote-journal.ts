import { createClient, type Transport } from "@connectrpc/connect";
import {
  AppendState,
  type Entry as EntryMessage,
  JournalService,
  type Link as LinkMessage,
} from "@wellapi/gen/wellapi/internal/keys/v1/journal_service_pb";
import { type Entry, type FactKind, JournalError, type JournalRepository, type Link } from "@wellapi/journal";
import { problemOf, toConnectError } from "@wellapi/rpc";
import { patiently } from "../patience.ts";

const callMs = 5_000;

/** The journal of the keys service. The signal ends the wait for it at the start. */
export function createRemoteJournal(transport: Transport, signal: AbortSignal): JournalRepository {
  const journal = createClient(JournalService, transport);
  const options = { timeoutMs: callMs };
  let reached = false;
  return {
    extent: () =>
      guard(async () => {
        const ask = () => journal.getExtent({}, options);
        const extent = reached ? await ask() : await patiently(signal, ask);
        reached = true;
        return { journal: extent.journal, base: linkOf(extent.base), head: linkOf(extent.head) };
      }),
    read: (after, limit) =>
      guard(async () => {
        const { entries } = await journal.listEntries({ after: BigInt(after), limit }, options);
        return entries.map(entryOf);
      }),
    append: ({ position, mac, time, ...fact }) =>
      guard(async () => {
        const link = { position: BigInt(position), mac };
        const { state } = await journal.appendEntry(
          { entry: { ...fact, link, timeMs: BigInt(time) } },
          options,
        );
        if (state === AppendState.APPENDED) return "appended";
        if (state === AppendState.KNOWN) return "known";
        if (state === AppendState.CONFLICT) return "conflict";
        throw new JournalError("unavailable", "the journal gave an answer that this version does not know");
      }),
  };
}

function linkOf(link: LinkMessage | undefined): Link {
  return { position: Number(link?.position ?? 0n), mac: link?.mac ?? new Uint8Array() };
}

function entryOf({ link, kind, partition, subject, timeMs }: EntryMessage): Entry {
  return { ...linkOf(link), kind: kind as FactKind, partition, subject, time: Number(timeMs) };
}

async function guard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof JournalError) throw cause;
    const { reason } = problemOf(toConnectError(cause));
    throw new JournalError("unavailable", `the journal does not answer (${reason})`, { cause });
  }
}
