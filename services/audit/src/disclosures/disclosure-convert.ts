import { fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Access,
  Access_Outcome,
  Access_Phase,
  AccessSchema,
  type DisclosedCategorySchema,
  type DisclosureFiguresSchema,
  type DisclosureSchema,
} from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { Direction, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { NONCE_BYTES } from "@wellapi/log-verifier";
import type { DisclosedCategory, Disclosure, Figures, Fineness, ReadEntry } from "./disclosure.ts";

const finenessOf: Readonly<Partial<Record<Resolution, Fineness>>> = {
  [Resolution.RAW]: "raw",
  [Resolution.HOURLY]: "hourly",
  [Resolution.DAILY]: "daily",
};

const resolutions = { raw: Resolution.RAW, hourly: Resolution.HOURLY, daily: Resolution.DAILY };

const phases: Readonly<Partial<Record<Access_Phase, ReadEntry["phase"]>>> = {
  [Access_Phase.OPENED]: "opened",
  [Access_Phase.CHANGED]: "changed",
  [Access_Phase.CLOSED]: "closed",
};

/** They tell which data there is, and how much of it; what they count are no values. */
const listings: ReadonlySet<string> = new Set(["wellapi.records.v1.RecordsService/ListSeries"]);
/** Their entries say on purpose not how much left: it would tell the reader which patient an anonymous record is of. */
const deIdentifying: ReadonlySet<string> = new Set(["wellapi.records.v1.ExportService/ReadDeIdentified"]);

/** Of a nonce and a body; undefined where there is none to be read. */
export function accessIn(secret: Uint8Array | undefined): Access | undefined {
  return secret && fromBinary(AccessSchema, secret.subarray(NONCE_BYTES));
}

/** Undefined where the entry is not about health data that an organization read. */
export function toReadEntry(access: Access): ReadEntry | undefined {
  const { id, time, organization, method, direction, codes, purpose, consents, emergencyAccess } = access;
  if (direction !== Direction.READ || organization === "" || time === undefined) return undefined;
  const phase = phases[access.phase] ?? "call";
  return {
    id,
    timeMs: timestampMs(time),
    organization,
    phase,
    permitted: access.outcome === Access_Outcome.PERMITTED,
    codes,
    purpose,
    consents: consents.map(({ consent, version }) => ({ consent, version })),
    emergencyAccess,
    values: valuesOf(method, access.items),
    parts: access.parts.map((part) => ({ codes: part.codes, values: valuesOf(part.method, part.items) })),
    deIdentified: deIdentifying.has(method),
    fineness: finenessOf[access.resolution],
    openedBy: access.openedBy,
  };
}

function valuesOf(method: string, items: number): number | undefined {
  if (listings.has(method)) return 0;
  return deIdentifying.has(method) ? undefined : items;
}

export function disclosureMessage({
  organization,
  total,
  categories,
}: Disclosure): MessageInitShape<typeof DisclosureSchema> {
  return {
    organization,
    total: figuresMessage(total),
    categories: categories.map(disclosedCategoryMessage),
  };
}

export function disclosedCategoryMessage({
  category,
  codes,
  figures,
}: DisclosedCategory): MessageInitShape<typeof DisclosedCategorySchema> {
  return { category, codes: [...codes], figures: figuresMessage(figures) };
}

function figuresMessage(figures: Figures): MessageInitShape<typeof DisclosureFiguresSchema> {
  const { finest } = figures;
  return {
    reads: BigInt(figures.reads),
    values: BigInt(figures.values),
    unknownAmountReads: BigInt(figures.unknownAmountReads),
    finestResolution: finest === undefined ? Resolution.UNSPECIFIED : resolutions[finest],
    purposes: [...figures.purposes],
    consents: [...figures.consents],
    emergencyAccesses: [...figures.emergencyAccesses],
    firstTime: timestampFromMs(figures.firstMs),
    lastTime: timestampFromMs(figures.lastMs),
    accesses: [...figures.accesses],
  };
}
