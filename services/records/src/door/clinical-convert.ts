import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type {
  ClinicalBatch,
  ClinicalIdentifier,
  ClinicalWrite,
} from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import {
  ClinicalBatchSchema,
  ClinicalOrder,
  ClinicalOutcome_Status,
  ClinicalWriteSchema,
} from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import {
  type ClinicalToken,
  type ListClinicalRecordsRequest,
  ListClinicalRecordsRequestSchema,
} from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { validateMessage } from "@wellapi/rpc";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise } from "@wellapi/vault";
import type { ClinicalQuery, ClinicalOrder as Order } from "../clinical/clinical-query.ts";
import { outwardResource } from "../clinical/resource-text.ts";
import type { Token } from "../clinical/search-fields.ts";
import {
  type ClinicalOutcome,
  etagOf,
  type SentBatch,
  type SentItem,
  type SentWrite,
} from "../clinical/sent-batch.ts";
import type { ShownRecord } from "../clinical/shown-record.ts";
import { intervalOf } from "./convert.ts";
import { permittingConsent } from "./source-convert.ts";

/** A batch with internal ids. An item whose own fields are wrong has violations. */
export function sentBatch(pairwise: Pairwise, party: string, batch: ClinicalBatch): SentBatch {
  return {
    requestId: batch.requestId,
    patient: batch.patient,
    atomic: batch.atomic,
    items: batch.writes.map((write) => sentItem(pairwise, party, write)),
    digest: toBinary(ClinicalBatchSchema, { ...batch, requestId: "" }),
  };
}

function sentItem(pairwise: Pairwise, party: string, message: ClinicalWrite): SentItem {
  const problem = validateMessage(ClinicalWriteSchema, message);
  const violations = (problem?.violations ?? []).map(({ field, description, reason }) => ({
    field,
    description,
    reason: reason ?? "INVALID_FIELD",
  }));
  return { write: sentWrite(pairwise, party, message), violations };
}

export function sentWrite(
  pairwise: Pairwise,
  party: string,
  { operation }: Pick<ClinicalWrite, "operation">,
): SentWrite {
  switch (operation.case) {
    case "create": {
      const { resource, ifNoneExist, fullUrl } = operation.value;
      return { kind: "create", resource, ifNoneExist: ifNoneExist && identifierOf(ifNoneExist), fullUrl };
    }
    case "update": {
      const { record, resource, etag, fullUrl } = operation.value;
      return { kind: "update", record: recordInward(pairwise, party, record), resource, etag, fullUrl };
    }
    default: {
      // Without an operation the item has a violation, and this is not looked at.
      const { record = "", etag = "" } = operation.value ?? {};
      return { kind: "delete", record: recordInward(pairwise, party, record), etag };
    }
  }
}

/** The internal id of a record; with a hyphen, as FHIR writes ids, too. */
export function recordInward(pairwise: Pairwise, party: string, record: string): string | undefined {
  return pairwise.inward(party, "rec", record.replace("-", "_"));
}

function identifierOf({ system, value }: ClinicalIdentifier): Token {
  return { system, value };
}

const statuses = {
  created: ClinicalOutcome_Status.CREATED,
  updated: ClinicalOutcome_Status.UPDATED,
  unchanged: ClinicalOutcome_Status.UNCHANGED,
  deleted: ClinicalOutcome_Status.DELETED,
  existed: ClinicalOutcome_Status.EXISTED,
  duplicate: ClinicalOutcome_Status.DUPLICATE,
  rejected: ClinicalOutcome_Status.REJECTED,
} as const;

export function outcomeInit(pairwise: Pairwise, party: string, outcome: ClinicalOutcome) {
  const status = statuses[outcome.status];
  if (outcome.status === "rejected") {
    return { status, violations: outcome.violations.map((one) => ({ ...one })) };
  }
  return {
    status,
    record: pairwise.outward(party, outcome.record),
    etag: etagOf(outcome.version),
    version: outcome.version,
    updateTime: timestampFromMs(outcome.updated),
  };
}

/** A version as a party sees it: with its own ids. */
export function recordInit(
  { pairwise, terminology }: { readonly pairwise: Pairwise; readonly terminology: Terminology },
  party: string,
  shown: ShownRecord,
) {
  const { record, content, type, version, updated, organization, application, keys, disputed, letting } =
    shown;
  const { id, text } =
    content === undefined
      ? { id: pairwise.outward(party, record), text: "" }
      : outwardResource(content.outline(), pairwise, party, record);
  return {
    id,
    resourceType: type,
    resource: text,
    version,
    etag: etagOf(version),
    updateTime: timestampFromMs(updated),
    organization,
    application,
    categories: [...new Set(keys.flatMap((key) => terminology.categoriesOf(key)))].sort(),
    deleted: content === undefined,
    disputed,
    consents: letting.map(permittingConsent),
  };
}

const orders: Readonly<Record<ClinicalOrder, Order>> = {
  [ClinicalOrder.UNSPECIFIED]: { by: "time", descending: true },
  [ClinicalOrder.NEWEST]: { by: "time", descending: true },
  [ClinicalOrder.OLDEST]: { by: "time", descending: false },
  [ClinicalOrder.UPDATED]: { by: "update", descending: false },
  [ClinicalOrder.LAST_UPDATED]: { by: "update", descending: true },
};

/** All records of a type, in the order of their last change; `since`: UTC milliseconds. */
export function queryOfType(
  pairwise: Pairwise,
  party: string,
  type: string,
  since: number | undefined,
): ClinicalQuery {
  return clinicalQuery(
    pairwise,
    party,
    create(ListClinicalRecordsRequestSchema, {
      types: [type],
      order: ClinicalOrder.UPDATED,
      ...(since !== undefined && { updated: { startTime: timestampFromMs(since) } }),
    }),
  );
}

export function clinicalQuery(
  pairwise: Pairwise,
  party: string,
  request: ListClinicalRecordsRequest,
): ClinicalQuery {
  const inward = (ids: readonly string[]) =>
    ids.length === 0 ? undefined : new Set(ids.flatMap((id) => recordInward(pairwise, party, id) ?? []));
  const tokens = (asked: readonly ClinicalToken[]) =>
    asked.map(({ system, code }) => ({ system, value: code }));
  return {
    types: new Set(request.types),
    categories: new Set(request.categories),
    codes: tokens(request.codes),
    resourceCategories: tokens(request.resourceCategories),
    statuses: new Set(request.statuses),
    identifiers: request.identifiers.map(identifierOf),
    interval: request.interval && intervalOf(request.interval),
    updated: request.updated && intervalOf(request.updated),
    records: inward(request.records),
    referringTo: inward(request.referringTo),
    organizations: new Set(request.organizations),
    order: orders[request.order],
  };
}
