import type { AnswerInFlight } from "@wellapi/enforcer";
import { partyOf } from "@wellapi/rpc";
import { RecordsError } from "../errors.ts";
import type { Interval } from "../model/interval.ts";
import type { Foreseeing, Foreseen, ReadDecision } from "./consent-client.ts";
import type { Intent } from "./intent.ts";
import { requireOwn } from "./own-subject.ts";
import { signatureOf } from "./permit.ts";
import {
  answerOnce,
  beginRead,
  codePermitOf,
  type Decisions,
  type Found,
  MOST_DECISIONS,
  type Read,
  type ReadingDeps,
} from "./reading.ts";
import { isWithin } from "./token-scope.ts";

/** A preview under way: the patient's own record, and how an organization reads it. */
export interface PreviewRead {
  /** The patient's own read. */
  readonly own: Read;
  /** The same read as it would be decided for the organization. Throws ConsentError's statuses (ConnectError), SCOPE_REQUIRED. */
  foresee(): Promise<{ readonly foreseen: Foreseen; readonly theirs: Read }>;
}

/**
 * A preview: a unary read of the patient's, which is decided as the organization's reads would be. As with `readOnce`, its entry is
 * durable before the answer leaves; if a change of the organization's consents has taken something away meanwhile, it is decided
 * again, and what is not permitted any more does not leave.
 */
export async function previewOnce<T>(
  deps: ReadingDeps,
  intent: Intent,
  asked: Pick<Foreseeing, "view" | "purpose" | "codes">,
  work: (read: PreviewRead) => Promise<Found<T>>,
): Promise<T> {
  const own = beginRead(deps, intent);
  return answerOnce(
    deps,
    own,
    () => createForesight(deps, own, asked),
    async (read) => {
      requireOwn(own.subject);
      return work(read);
    },
  );
}

function createForesight(
  { gate, answers }: ReadingDeps,
  own: Read,
  asked: Pick<Foreseeing, "view" | "purpose" | "codes">,
): Decisions<PreviewRead> {
  const { partition } = own.subject;
  const { caller } = own.intent;
  const party = partyOf(caller);
  const hides = caller.principal.hides ?? [];
  let flight: AnswerInFlight = answers.begin();
  const ask = async (): Promise<Foreseen> => {
    const foreseen = await gate.foresee({ ...asked, partition, party, hides });
    flight.about(partition, foreseen.organization);
    return foreseen;
  };
  let first: Promise<Foreseen> | undefined;
  const signature = (foreseen: Foreseen) => JSON.stringify(asked.codes.map((code) => lineOf(foreseen, code)));
  return {
    read: {
      own,
      async foresee() {
        first ??= ask();
        const foreseen = await first;
        return { foreseen, theirs: theirsOf(own, foreseen) };
      },
    },
    async stand() {
      for (let attempt = 0; attempt < MOST_DECISIONS; attempt++) {
        if (flight.objection() === undefined) return true;
        flight = answers.begin();
        const again = await ask();
        if (first === undefined || signature(again) !== signature(await first)) return false;
      }
      throw new RecordsError("UNDECIDED");
    },
  };
}

/** The read of the organization. It is under no session: what it finds is for the patient alone. */
function theirsOf(own: Read, foreseen: Foreseen): Read {
  const { intent, subject } = own;
  const decide = async (code: string): Promise<ReadDecision> => {
    if (!isWithin(intent.within, code)) throw new RecordsError("SCOPE_REQUIRED");
    const decided = foreseen.decide(code);
    if (!decided.own) intent.disputes?.note(code, decided);
    return decided;
  };
  return {
    intent,
    subject: { ...subject, own: false },
    decide,
    codePermit: (code: string, bounds: Interval) => codePermitOf(decide, code, bounds),
  };
}

/** What would be decided about a code, to be compared. */
function lineOf(foreseen: Foreseen, code: string): string {
  try {
    const decided = foreseen.decide(code);
    return decided.own ? "own" : signatureOf(decided.permits);
  } catch (error) {
    if (error instanceof RecordsError) return error.logged;
    throw error;
  }
}
