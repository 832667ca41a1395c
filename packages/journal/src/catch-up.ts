import type { Logger } from "@wellapi/runtime";
import { StoreError } from "@wellapi/store";
import { sameBytes } from "./chain.ts";
import { JournalError } from "./errors.ts";
import type { Mark, MarkRepository } from "./mark-repository.ts";
import type { Entry, Extent, Journal } from "./port.ts";

/** What catching up needs of the follower's options. */
export interface CatchUpOptions {
  readonly journal: Journal;
  readonly accepted?: string | undefined;
  readonly log: Logger;
}

/** Applies the entry to the data where the data lacks it. Called in order, with entries of every kind. */
export type Replay = (entry: Entry) => Promise<void>;

/** Replays what the data may lack, and moves the mark to the journal's head. Throws JournalError. */
export async function catchUp(options: CatchUpOptions, marks: MarkRepository, replay: Replay): Promise<void> {
  const { journal, log } = options;
  const extent = await journal.extent();
  const mark = await knownPlace(options, marks, extent);
  let replayed = 0;
  let at: Mark = mark;
  for await (const entry of journal.entries(mark)) {
    await replay(entry);
    replayed += 1;
    at = { journal: extent.journal, position: entry.position, mac: entry.mac };
  }
  if (replayed > 0) log.info({ count: replayed }, "entries of the journal were compared with the data");
  // On a full disk the start goes on: the next one compares the same entries again.
  await marks.reset(at).catch((error: unknown) => {
    if (!(error instanceof StoreError && error.full)) throw error;
  });
}

/** From where the data may lack entries. */
async function knownPlace(
  { journal, log, accepted }: CatchUpOptions,
  marks: MarkRepository,
  extent: Extent,
): Promise<Mark> {
  const { journal: id, base, head } = extent;
  const mark = await marks.mark();
  if (mark === undefined) return { journal: id, ...base };
  const taken = accepted === `${id}@${head.position}`;
  const instead = `put back the journal that belongs to this data; or, if it is lost for good and with it every revocation and erasure that this data lacks, take this one as it is with WELLAPI_ACCEPT_JOURNAL=${id}@${head.position}`;
  const lost = (what: string): Mark => {
    if (!taken) throw new JournalError("lost", `${what}: ${instead}`);
    log.warn({ reason: "accepted" }, "a journal was taken as it is, although the data knows more");
    return { journal: id, ...base };
  };
  if (mark.journal !== id) return lost(`the data knows journal ${mark.journal}, but this is ${id}`);
  if (mark.position > head.position) {
    return lost(`the data knows ${mark.position} entries of the journal, but it has ${head.position}`);
  }
  if (mark.position < base.position) {
    if (taken) return lost("");
    throw new JournalError(
      "too_old",
      `the data knows ${mark.position} entries of the journal, which has dropped the first ${base.position}: it is older than every backup may be; restore a newer one`,
    );
  }
  const there = mark.position === base.position ? base : await placeAt(journal, mark.position);
  if (!there || !sameBytes(there.mac, mark.mac)) {
    return lost(`entry ${mark.position} of the journal is another one than the data knows`);
  }
  return mark;
}

async function placeAt(journal: Journal, position: number): Promise<Entry | undefined> {
  const [entry] = await journal.read(position - 1, 1);
  return entry?.position === position ? entry : undefined;
}
