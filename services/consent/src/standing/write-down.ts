import { type Fact, type Follower, JournalError } from "@wellapi/journal";
import { ConsentError } from "../errors.ts";

/** Resolves once a restore cannot undo the fact. Throws `journal_unavailable`. */
export async function writeDown(journal: Pick<Follower, "tell">, fact: Fact): Promise<void> {
  try {
    await journal.tell(fact);
  } catch (cause) {
    if (!(cause instanceof JournalError)) throw cause;
    const message = "the change holds; that it outlives a restore is not certain yet: send the same again";
    throw new ConsentError("journal_unavailable", { cause, message });
  }
}
