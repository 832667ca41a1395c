import { type Clock, traced } from "@wellapi/runtime";
import type { Change, Stored } from "@wellapi/store";
import type { ReceiptDocument, SeriesDocument } from "../blocks/documents.ts";
import { type AddedData, headAfterData } from "../blocks/head.ts";
import { RecordsError } from "../errors.ts";
import {
  type CodeContribution,
  type Contributions,
  lacksConsent,
  sameContributions,
} from "../gate/contribution.ts";
import type { Gate } from "../gate/gate.ts";
import type { Intent } from "../gate/intent.ts";
import type { Subject } from "../gate/subject.ts";
import { isWithin } from "../gate/token-scope.ts";
import { acceptanceOf, consentOf } from "./acceptance.ts";
import {
  type AppendRepository,
  createAppendRepository,
  type GroupWrites,
  type StoredBefore,
} from "./append-repository.ts";
import { type Batch, type BatchOutcome, goodItems } from "./batch.ts";
import { type BatchWrites, sealedBytes } from "./batch-writes.ts";
import { batchCommitted } from "./event-convert.ts";
import { createHoldings, type HoldingLimits, type Holdings } from "./holdings.ts";
import type { OrganizationTotals } from "./organization-totals.ts";
import { nextReceipt, outcomeOf, type ReceiptNames } from "./receipt.ts";
import { receiptChange } from "./receipt-repository.ts";
import { bindingChanges } from "./vendor-binding.ts";
import type { WriteDeps } from "./write-deps.ts";

export interface AppendDeps extends WriteDeps {
  readonly holdings: HoldingLimits;
  readonly totals: Pick<OrganizationTotals, "problemOf" | "add">;
}

/** A batch that waits for its answer. */
export interface Pending {
  readonly intent: Intent;
  readonly subject: Subject;
  readonly organization: string;
  readonly batch: Batch;
  /** Set by `answer` and `refuse`, each of which is called once. */
  answered: boolean;
  answer(outcome: BatchOutcome): void;
  refuse(error: unknown): Promise<void>;
}

/** A batch whose sender may contribute at least one of its codes. */
interface Decided {
  readonly pending: Pending;
  readonly contributions: Contributions;
}

/** The input of a batch's judgement. */
interface Prepared extends Decided {
  readonly names: ReceiptNames;
}

/** The part of a commit that a batch adds, and its answer once that is durable. */
interface Addition {
  readonly prepared: Prepared;
  /** What its blocks take. */
  readonly bytes: number;
  readonly series: readonly SeriesDocument[];
  readonly changes: readonly Change[];
  readonly outcome: BatchOutcome;
}

/**
 * One attempt to commit a group of batches of one patient, no two with the same name. It answers the decided ones;
 * the others stay unanswered and are tried again, because another commit or a change of consent came between. Throws
 * errors that concern all unanswered batches.
 *
 * The first attempt assumes that this process knows the current head and that no batch was sent before. Where the
 * assumption is wrong, the guard of the head or the existing receipt refuses the commit, and the next attempt reads.
 * So an append to a patient to whom this process wrote recently reads nothing from the store.
 */
export function createGroupCommit(deps: AppendDeps) {
  const { store, vault, gate, accessLog, relay, hub, clock, totals } = deps;
  const repository = createAppendRepository(store, vault);

  async function commitGroup(partition: string, group: readonly Pending[], onTrust: boolean): Promise<void> {
    const decided = await permitted(gate, group);
    if (decided.length === 0) return;
    const names = await repository.names(
      partition,
      decided.map(({ pending }) => pending),
    );
    const prepared = decided.map((one, i): Prepared => ({ ...one, names: names[i]! }));
    const before = await repository.before(partition, names, onTrust);
    if (before.head?.document.erased) throw new RecordsError("CONSENT_REQUIRED");
    const held = createHoldings(before.head?.document.held, deps.holdings);
    const additions = await additionsOf(deps, { repository, held, totals, onTrust }, prepared, before);
    if (additions.length === 0) return;
    // The decision right before the commit counts.
    if (!(await stand(gate, additions))) return;
    if (!(await repository.commit(groupWrites(partition, before, additions, held, clock)))) return;
    accessLog.notify();
    relay.notify();
    hub.notify(partition);
    for (const { prepared: one, outcome, bytes, series } of additions) {
      totals.add(one.pending.organization, { bytes, series: series.length });
      one.pending.answer(outcome);
    }
  }

  // Runs in the context of one of the calls, and belongs to all.
  return (partition: string, group: readonly Pending[], onTrust: boolean): Promise<void> =>
    traced({ name: "commit batches", causes: group.map(({ intent }) => intent.trace) }, () =>
      commitGroup(partition, group, onTrust),
    );
}

/** Asks only about codes of good items: a batch of wrong items may name a thousand codes that do not exist. */
async function decide(gate: Gate, { subject, organization, batch, intent }: Pending): Promise<Contributions> {
  const codes = goodItems(batch).map(({ code }) => code);
  // Without a good item no code shows whether there is a consent at all.
  const asked = codes.length > 0 ? codes : [""];
  const reached = subject.outsideToken ? [] : asked.filter((code) => isWithin(intent.within, code));
  const left = await gate.policy.contributable(intent.caller, reached);
  if (left.length === asked.length) return gate.contributions(subject, organization, asked);
  const decided = left.length === 0 ? [] : await gate.contributions(subject, organization, left);
  // What consents permit takes the place of the refusal where the token reaches and no policy forbids.
  return new Map([
    ...asked.map((code) => [code, beyondToken] as const),
    ...reached.map((code) => [code, forbidden] as const),
    ...decided,
  ]);
}

/** Where the token reaches nothing, the batch is refused as a whole; else these items are. */
const beyondToken: CodeContribution = {
  permitted: false,
  scope: "none",
  reason: "SCOPE_REQUIRED",
  permits: [],
};

/** As `beyondToken`, by a policy. */
const forbidden: CodeContribution = { ...beyondToken, reason: "POLICY_DENIED" };

/** The batches that may contribute something; the others are refused. */
async function permitted(gate: Gate, group: readonly Pending[]): Promise<Decided[]> {
  const decided = await Promise.all(
    group.map(async (pending) => ({ pending, contributions: await decide(gate, pending) })),
  );
  const lacking = decided.filter(({ contributions }) => lacksConsent(contributions.values()));
  await Promise.all(
    lacking.map(({ pending, contributions }) => {
      const all = [...contributions.values()];
      const beyond = all.every((one) => one === beyondToken || one === forbidden);
      if (all.some((one) => !one.permitted && one.reason === "RECORD_FROZEN"))
        return pending.refuse(new RecordsError("RECORD_FROZEN"));
      if (!beyond) return pending.refuse(new RecordsError("CONSENT_REQUIRED", { logged: "CONSENT_NONE" }));
      return pending.refuse(new RecordsError(all.includes(forbidden) ? "POLICY_DENIED" : "SCOPE_REQUIRED"));
    }),
  );
  return decided.filter(({ pending }) => !pending.answered);
}

/** What the additions of one attempt share. */
interface Attempt {
  readonly repository: AppendRepository;
  readonly held: Holdings;
  readonly totals: AppendDeps["totals"];
  /** No receipt was read: a batch may have been sent before. */
  readonly onTrust: boolean;
}

/** What the batches before it in the commit begin. */
interface Begun {
  /** Series. */
  readonly begun: Set<string>;
  /** Accounts at vendors: user by account, both MACs. */
  readonly bound: Map<string, string>;
}

/** The additions of the batches, one after another: each advances the patient's sequence. */
async function additionsOf(
  deps: WriteDeps,
  attempt: Attempt,
  prepared: readonly Prepared[],
  { head, receipts }: StoredBefore,
): Promise<Addition[]> {
  let sequence = head?.document.sequence ?? 0;
  const additions: Addition[] = [];
  const begun = new Set<string>();
  const bound = new Map<string, string>();
  for (const [i, one] of prepared.entries()) {
    const addition = await additionOf(deps, { ...attempt, begun, bound }, one, receipts[i], sequence);
    if (addition === undefined) continue;
    sequence = Math.max(sequence, addition.outcome.sequence);
    additions.push(addition);
  }
  return additions;
}

/** The additions of a batch; undefined where nothing of it is written and it was answered. */
async function additionOf(
  { gate, clock, ids }: WriteDeps,
  attempt: Attempt & Begun,
  prepared: Prepared,
  earlier: Stored<ReceiptDocument> | undefined,
  reached: number,
): Promise<Addition | undefined> {
  const { pending, contributions, names } = prepared;
  const { intent, subject, organization, batch } = pending;
  const { partition } = subject;
  const acceptance = acceptanceOf(batch, names.digest, contributions, earlier?.document, reached);
  if (acceptance.kind === "reused") {
    await pending.refuse(new RecordsError("REQUEST_ID_REUSED"));
    return undefined;
  }
  if (acceptance.kind === "repeated") {
    await gate.record(intent, subject, { items: 0 });
    pending.answer(outcomeOf(batch, acceptance.judgements, acceptance.earlier));
    return undefined;
  }
  const binding = await bindingChanges(attempt, pending, acceptance.accepted.length > 0);
  if (binding === "other") await pending.refuse(new RecordsError("OTHER_VENDOR_USER"));
  if (typeof binding === "string") return undefined;
  const { judgements, sequence } = acceptance;
  const accepted = acceptance.accepted.map((index) => {
    return { index, consent: consentOf(batch, index, contributions) };
  });
  const id = earlier?.document.batch ?? ids.next("bat");
  const writes = await attempt.repository.seal(batch, accepted, {
    partition,
    batch: id,
    sequence,
    organization,
    application: intent.caller.principal.id,
    received: clock.now(),
  });
  const series = await begunSeries(attempt, prepared, writes);
  if (series === undefined) return undefined;
  const newly = { accepted: acceptance.accepted, sequence, codes: writes.codes };
  const place = { partition, ...names, batch: id };
  const receipt = nextReceipt(place, earlier?.document, batch.items.length, newly);
  const consents = accepted.map(({ consent }) => consent);
  const leaf = gate.leaf(intent, subject, { items: writes.count, consents });
  return {
    prepared,
    bytes: sealedBytes(writes),
    series,
    changes: [...writes.changes, ...binding, receiptChange(earlier, receipt), leaf.change],
    outcome: outcomeOf(batch, judgements, receipt),
  };
}

/**
 * The series that the batch begins, and notes what it adds to what its organization holds. Undefined where that would be too
 * much: then it is refused, or, where it may have been sent before, left for the next attempt.
 */
async function begunSeries(
  { repository, held, totals, onTrust, begun }: Attempt & Begun,
  { pending, names }: Prepared,
  writes: BatchWrites,
): Promise<SeriesDocument[] | undefined> {
  const unstored = writes.series.length === 0 ? [] : await repository.unstored(writes.series);
  const series = unstored.filter((document) => !begun.has(document.series));
  const bytes = sealedBytes(writes);
  const problem =
    held.problemOf(names.owner, bytes, series.length) ??
    (await totals.problemOf(pending.organization, { bytes, series: series.length }));
  if (problem !== undefined) {
    if (!onTrust) await pending.refuse(new RecordsError(problem));
    return undefined;
  }
  held.add(names.owner, bytes, series.length);
  for (const document of series) begun.add(document.series);
  return series;
}

/** Whether all decisions still hold. */
async function stand(gate: Gate, additions: readonly Addition[]): Promise<boolean> {
  for (const { prepared } of additions) {
    if (!sameContributions(prepared.contributions, await decide(gate, prepared.pending))) return false;
  }
  return true;
}

/** One commit of all additions. One event gives the new sequence of the patient. */
function groupWrites(
  partition: string,
  { head: before }: StoredBefore,
  additions: readonly Addition[],
  held: Holdings,
  clock: Clock,
): GroupWrites {
  const reached = before?.document.sequence ?? 0;
  const sequence = additions.reduce((most, { outcome }) => Math.max(most, outcome.sequence), reached);
  const latest = additions.find(({ outcome }) => outcome.sequence === sequence)?.outcome.batch;
  return {
    before,
    head: headAfterData(partition, before?.document, sequence, addedBy(additions, held), clock.now()),
    series: additions.flatMap(({ series }) => series),
    changes: additions.flatMap(({ changes }) => changes),
    events: sequence > reached && latest ? [batchCommitted(partition, sequence, latest, clock)] : [],
  };
}

function addedBy(additions: readonly Addition[], held: Holdings): AddedData {
  const adds = (blocks: string) =>
    additions.some(({ changes }) =>
      changes.some(({ kind, collection }) => kind === "insert" && collection === blocks),
    );
  return { samples: adds("blocks"), observations: adds("observation_blocks"), held: held.all() };
}
