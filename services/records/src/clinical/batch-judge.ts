import type { ClinicalReceiptDocument } from "../blocks/clinical-documents.ts";
import { withBox } from "../blocks/patient-box.ts";
import type { Contributions } from "../gate/contribution.ts";
import { mayDelete, type ReachedContributions } from "./clinical-consent.ts";
import { consentsOf } from "./clinical-permits.ts";
import type { ClinicalNames, ClinicalRepository } from "./clinical-repository.ts";
import {
  doneBefore,
  internalReferences,
  lackOf,
  type Target,
  type Verdict,
  verdictOnMatches,
  verdictOnStored,
} from "./judgement.ts";
import type { ClinicalWriteDeps, Prepared, PreparedItem } from "./prepared-batch.ts";
import { type NewVersion, type VersionWrites, versionWrites } from "./record-writes.ts";
import { withReferences } from "./references.ts";
import { resourceText } from "./resource-text.ts";
import { searchFieldsOf, type Token } from "./search-fields.ts";
import { type ClinicalOutcome, rejected } from "./sent-batch.ts";
import type { TakenResource } from "./taken-resource.ts";

/** An item with its outcome, and what it adds to the commit. */
export interface JudgedItem {
  /** Position in the batch. */
  readonly item: number;
  readonly outcome: ClinicalOutcome;
  /** Undefined where nothing is stored. */
  readonly writes: VersionWrites | undefined;
  readonly consents: NewVersion["head"]["consents"];
}

/** What the items of a batch so far stand for. */
interface Course {
  readonly prepared: Prepared;
  readonly reached: ReachedContributions;
  readonly names: ClinicalNames;
  /** Records that an item changes. */
  readonly changing: Set<string>;
  /** Records that items create, by type and identifier. */
  readonly creating: Map<string, string>;
  readonly now: number;
}

/** Judges a batch against what is stored, item by item, and seals what is to be stored. */
export function createBatchJudge(deps: ClinicalWriteDeps, repository: ClinicalRepository) {
  const { vault, clock } = deps;

  return async (
    prepared: Prepared,
    reached: ReachedContributions,
    names: ClinicalNames,
    receipt: ClinicalReceiptDocument | undefined,
  ): Promise<readonly JudgedItem[]> => {
    const { items, subject } = prepared;
    const done = receipt === undefined ? new Map<number, ClinicalOutcome>() : doneBefore(receipt);
    const now = clock.now();
    const course: Course = { prepared, reached, names, changing: new Set(), creating: new Map(), now };
    const verdicts: Verdict[] = [];
    for (const [i, item] of items.entries()) {
      const before = done.get(i);
      verdicts.push(
        before === undefined ? await verdictOf(deps, repository, course, item) : { outcome: before },
      );
    }
    const references = internalReferences(
      items.flatMap((item, i) => namedBy(item, verdicts[i]!)),
      subject.patient,
    );
    return withBox(vault, subject.partition, (box) =>
      items.map((item, i): JudgedItem => {
        const verdict = verdicts[i]!;
        if ("outcome" in verdict)
          return { item: i, outcome: verdict.outcome, writes: undefined, consents: [] };
        const version = versionOf(course, item, verdict.target, references);
        const { before } = version;
        const unchanged =
          before !== undefined && item.write.kind === "update" && before.content.text === version.text;
        if (unchanged) {
          const { record, version: same, updated_ms: updated } = before.stored.document;
          const outcome = { status: "unchanged", record, version: same, updated } as const;
          return { item: i, outcome, writes: undefined, consents: [] };
        }
        const writes = versionWrites(box, version);
        return { item: i, outcome: storedOutcome(item, writes), writes, consents: version.head.consents };
      }),
    );
  };
}

/** The verdict on one item; notes what it will change. */
async function verdictOf(
  { ids, ...deps }: ClinicalWriteDeps,
  repository: ClinicalRepository,
  course: Course,
  item: PreparedItem,
): Promise<Verdict> {
  const { prepared, reached, names, changing } = course;
  const { partition } = prepared.subject;
  const { write, taken, violations } = item;
  if (violations.length > 0) return { outcome: { status: "rejected", violations } };
  const lack = taken && lackOfItem(taken, reached, item);
  if (lack !== undefined) return { outcome: lack };
  if (write.kind === "create") {
    const existed = await existing(repository, course, item);
    if (existed !== undefined) return { outcome: existed };
    const record = ids.next("rec");
    changing.add(record);
    noteIdentifiers(course, taken!, record);
    return { target: { record, before: undefined } };
  }
  const found = write.record === undefined ? undefined : await repository.find(partition, write.record);
  const verdict = verdictOnStored(write, taken?.resource.resourceType, found, names.owner);
  if ("outcome" in verdict) return verdict;
  const { record, before } = verdict.target;
  if (write.kind === "delete" && !mayDelete(deps, prepared, before!.content.head)) {
    return { outcome: rejected("record", "is beyond the scopes of the access token", "SCOPE_REQUIRED") };
  }
  if (changing.has(record)) {
    return { outcome: rejected("record", "is changed by another item of the batch", "RECORD_TWICE") };
  }
  changing.add(record);
  return verdict;
}

function lackOfItem(
  taken: TakenResource,
  { reaches, contributions }: ReachedContributions,
  item: PreparedItem,
): ClinicalOutcome | undefined {
  if (!reaches(item))
    return rejected("resource", "is beyond the scopes of the access token", "SCOPE_REQUIRED");
  return lackOf(taken, contributions);
}

/** Of a conditional creation: what it finds, stored or in this batch. */
async function existing(
  repository: ClinicalRepository,
  { prepared, names, creating, now }: Course,
  { write, taken }: PreparedItem,
): Promise<ClinicalOutcome | undefined> {
  if (write.kind !== "create" || write.ifNoneExist === undefined) return undefined;
  const { resourceType } = taken!.resource;
  const identifier = write.ifNoneExist;
  const stored = await repository.withIdentifier(
    prepared.subject.partition,
    names.owner,
    resourceType,
    identifier,
  );
  const outcome = verdictOnMatches(stored);
  if (outcome !== undefined) return outcome;
  const record = creating.get(identifierName(resourceType, identifier));
  return record === undefined ? undefined : { status: "existed", record, version: 1, updated: now };
}

/** A conditional creation behind it in the batch finds it, too. */
function noteIdentifiers({ creating }: Course, { resource, fields }: TakenResource, record: string): void {
  for (const identifier of fields.identifiers) {
    const name = identifierName(resource.resourceType, identifier);
    if (!creating.has(name)) creating.set(name, record);
  }
}

function identifierName(type: string, { system, value }: Token): string {
  return JSON.stringify([type, system, value]);
}

function namedBy({ write, taken }: PreparedItem, verdict: Verdict) {
  if (write.kind === "delete" || taken === undefined) return [];
  const record =
    "target" in verdict
      ? verdict.target.record
      : verdict.outcome.status === "rejected"
        ? undefined
        : verdict.outcome.record;
  if (record === undefined) return [];
  return [{ fullUrl: write.fullUrl, type: taken.resource.resourceType, record }];
}

function versionOf(
  { prepared, reached, names, now }: Course,
  { write, taken }: PreparedItem,
  { record, before }: Target,
  references: ReadonlyMap<string, string>,
): NewVersion {
  const { subject, organization, intent } = prepared;
  const common = { partition: subject.partition, record, before, owner: names.owner, updated: now };
  const origin = {
    organization,
    application: intent.caller.principal.id,
    created: before?.content.head.created ?? now,
  };
  if (write.kind === "delete" || taken === undefined) {
    const { type, keys } = before!.content.head;
    return { ...common, head: { type, keys, ...origin, consents: [] }, text: undefined, fields: undefined };
  }
  const resource = withReferences(taken.resource, (reference) => references.get(reference) ?? reference);
  const consents = consentsOf(taken.keys, reached.contributions as Contributions);
  return {
    ...common,
    head: { type: resource.resourceType, keys: taken.keys, ...origin, consents },
    text: resourceText(resource),
    fields: searchFieldsOf(resource),
  };
}

function storedOutcome({ write }: PreparedItem, { document }: VersionWrites): ClinicalOutcome {
  const { record, version, updated_ms: updated } = document;
  const statuses = { create: "created", update: "updated", delete: "deleted" } as const;
  return { status: statuses[write.kind], record, version, updated };
}
