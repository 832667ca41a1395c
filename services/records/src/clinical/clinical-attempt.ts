import type { Change, Stored } from "@wellapi/store";
import type { ClinicalReceiptDocument } from "../blocks/clinical-documents.ts";
import type { Head } from "../blocks/documents.ts";
import { headAfterData } from "../blocks/head.ts";
import { loadHead } from "../blocks/head-repository.ts";
import { RecordsError } from "../errors.ts";
import { type Contributions, lacksConsent, sameContributions } from "../gate/contribution.ts";
import { batchCommitted } from "../write/event-convert.ts";
import { createHoldings } from "../write/holdings.ts";
import { createBatchJudge, type JudgedItem } from "./batch-judge.ts";
import { decideContributions, type ReachedContributions } from "./clinical-consent.ts";
import { refusalOf } from "./clinical-refusal.ts";
import { type ClinicalNames, createClinicalRepository } from "./clinical-repository.ts";
import { allOrNothing } from "./judgement.ts";
import type { ClinicalWriteDeps, Prepared } from "./prepared-batch.ts";
import type { ClinicalOutcome } from "./sent-batch.ts";

/**
 * One attempt to commit a batch. Undefined where another commit or a change of consent came between: then nothing is written, and
 * it is tried again. Throws what concerns the whole batch.
 */
export function createClinicalAttempt(deps: ClinicalWriteDeps) {
  const { store, vault, gate, accessLog, relay, hub, damage, totals } = deps;
  const repository = createClinicalRepository(store, vault, damage);
  const judge = createBatchJudge(deps, repository);

  return async (prepared: Prepared): Promise<readonly ClinicalOutcome[] | undefined> => {
    const { intent, subject, organization, batch } = prepared;
    const { partition } = subject;
    const reached = await decideContributions(deps, prepared);
    if (reached.asked && lacksConsent(reached.contributions.values())) throw wholeRefusal(reached);
    const names = reached.asked
      ? await repository.names(partition, organization, batch)
      : await repository.knownNames(partition, organization, batch);
    if (names === undefined) throw new RecordsError("NOT_FOUND");
    const head = await loadHead(store, partition);
    if (head?.document.erased) throw new RecordsError("CONSENT_REQUIRED", { logged: "ERASED" });
    const receipt =
      names.receipt === undefined ? undefined : await repository.receipt(partition, names.receipt);
    if (receipt !== undefined && !sameDigest(receipt.document.digest, names.digest)) {
      throw new RecordsError("REQUEST_ID_REUSED");
    }
    const judged = await judge(prepared, reached, names, receipt?.document);
    const outcomes = outcomesOf(prepared, judged);
    const changing =
      outcomes.some(({ status }) => status === "rejected") && batch.atomic ? [] : changed(judged);
    if (changing.length === 0) {
      await gate.record(intent, subject, { items: 0 });
      return outcomes;
    }
    // The decision right before the commit counts.
    if (!(await stands(deps, prepared, reached))) return undefined;
    const { bytes, ...commit } = await commitOf(deps, prepared, { head, names, receipt, judged: changing });
    const labels = await repository.unstored(changing.flatMap(({ writes }) => writes?.label ?? []));
    const inserts = labels.map((document): Change => {
      return { kind: "insert", collection: "clinical_labels", document };
    });
    if (!(await repository.commit({ ...commit, changes: [...commit.changes, ...inserts] }))) return undefined;
    totals.add(organization, { bytes, series: 0 });
    accessLog.notify();
    relay.notify();
    hub.notify(partition);
    return outcomes;
  };
}

/** A single item that was rejected is the call's error: its entry says so. */
function outcomesOf({ batch, single }: Prepared, judged: readonly JudgedItem[]): readonly ClinicalOutcome[] {
  const outcomes = judged.map(({ outcome }) => outcome);
  const refused = outcomes.find((outcome) => outcome.status === "rejected");
  if (refused === undefined) return outcomes;
  if (single) throw refusalOf(refused.violations);
  return batch.atomic ? allOrNothing(outcomes) : outcomes;
}

function changed(judged: readonly JudgedItem[]): readonly JudgedItem[] {
  return judged.filter(({ writes }) => writes !== undefined);
}

function wholeRefusal({ contributions }: ReachedContributions): RecordsError {
  const reasons = [...contributions.values()].map((one) => (one.permitted ? "" : one.reason));
  if (reasons.every((reason) => reason === "SCOPE_REQUIRED")) return new RecordsError("SCOPE_REQUIRED");
  if (reasons.every((reason) => reason === "POLICY_DENIED" || reason === "SCOPE_REQUIRED")) {
    return new RecordsError("POLICY_DENIED");
  }
  if (reasons.includes("RECORD_FROZEN")) return new RecordsError("RECORD_FROZEN");
  return new RecordsError("CONSENT_REQUIRED", { logged: "CONSENT_NONE" });
}

async function stands(
  deps: ClinicalWriteDeps,
  prepared: Prepared,
  { asked, contributions }: ReachedContributions,
): Promise<boolean> {
  if (!asked) return true;
  const now: Contributions = (await decideContributions(deps, prepared)).contributions;
  return sameContributions(contributions, now);
}

interface CommitParts {
  readonly head: Stored<Head> | undefined;
  readonly names: ClinicalNames;
  readonly receipt: Stored<ClinicalReceiptDocument> | undefined;
  /** Those that change something. */
  readonly judged: readonly JudgedItem[];
}

async function commitOf(
  { gate, clock, holdings: limits, totals }: ClinicalWriteDeps,
  { intent, subject, organization }: Prepared,
  { head, names, receipt, judged }: CommitParts,
) {
  const { partition } = subject;
  const sequence = (head?.document.sequence ?? 0) + 1;
  const held = createHoldings(head?.document.held, { ...limits, series: 0 });
  const bytes = judged.reduce((sum, { writes }) => sum + writes!.bytes, 0);
  const problem =
    held.problemOf(names.owner, bytes, 0) ?? (await totals.problemOf(organization, { bytes, series: 0 }));
  if (problem !== undefined) throw new RecordsError(problem);
  held.add(names.owner, bytes, 0);
  const consents = judged.flatMap(({ consents: permits }) => permits);
  const { change: leaf } = gate.leaf(intent, subject, { items: judged.length, consents });
  const added = { samples: false, observations: false, held: held.all() };
  const receipts = names.receipt === undefined ? [] : [receiptChange(partition, names, receipt, judged)];
  const latest = judged.at(-1)!.writes!.document;
  return {
    bytes,
    before: head,
    head: headAfterData(partition, head?.document, sequence, added, clock.now()),
    changes: [...judged.flatMap(({ writes }) => writes!.changes), ...receipts, leaf],
    events: [batchCommitted(partition, sequence, `${latest.record}.${latest.version}`, clock)],
  };
}

function receiptChange(
  partition: string,
  { receipt: name, digest }: ClinicalNames,
  before: Stored<ClinicalReceiptDocument> | undefined,
  judged: readonly JudgedItem[],
): Change {
  const done = judged.map(({ item, writes }) => {
    const { record, version, updated_ms } = writes!.document;
    return { item, record, version, updated_ms };
  });
  const document: ClinicalReceiptDocument = {
    partition,
    receipt: name!,
    digest,
    done: [...(before?.document.done ?? []), ...done],
  };
  return before === undefined
    ? { kind: "insert", collection: "clinical_receipts", document }
    : { kind: "replace", collection: "clinical_receipts", document, ifRevision: before.revision };
}

function sameDigest(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
