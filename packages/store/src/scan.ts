import { createHash } from "node:crypto";
import { type CollectionShape, type IndexShape, KEY_INDEX } from "./catalog.ts";
import { StoreError } from "./errors.ts";
import { checkIndexValue, isIndexValue } from "./index-value.ts";
import type { Document, IndexValue, Scan } from "./port.ts";

const MAX_LIMIT = 10_000;

/** A scan that was checked against its collection. */
export interface PreparedScan {
  readonly collection: string;
  readonly index: string;
  readonly equals: readonly IndexValue[];
  readonly range: NonNullable<Scan["range"]>;
  readonly descending: boolean;
  readonly limit: number;
  /** Where the page before ended: the values of the index's fields after `equals`. */
  readonly position?: readonly IndexValue[];
}

/** Checks a scan for any engine and decodes its cursor. Throws `invalid`. */
export function prepareScan(shape: CollectionShape, scan: Scan): PreparedScan {
  const index = shape.indexes.get(scan.index ?? KEY_INDEX);
  if (!index) refuse(`index ${scan.index} of ${shape.name} is not declared`);
  if (!Number.isInteger(scan.limit) || scan.limit < 1 || scan.limit > MAX_LIMIT) {
    refuse(`the limit of a scan is 1 to ${MAX_LIMIT}`);
  }
  if (scan.equals.length > index.fields.length) refuse(`index ${index.name} has fewer fields than equals`);
  for (const value of scan.equals) checkIndexValue(value, "a value of equals");
  const prepared = {
    collection: shape.name,
    index: index.name,
    equals: [...scan.equals],
    range: checkRange(index, scan),
    descending: scan.order === "descending",
    limit: scan.limit,
  };
  if (scan.cursor === undefined) return prepared;
  return { ...prepared, position: openCursor(index, prepared, scan.cursor) };
}

function checkRange(index: IndexShape, { equals, range = {} }: Scan): NonNullable<Scan["range"]> {
  const bounds = [range.from, range.after, range.to].filter((bound) => bound !== undefined);
  if (bounds.length === 0) return {};
  if (equals.length === index.fields.length) refuse(`index ${index.name} has no field left for a range`);
  for (const bound of bounds) {
    checkIndexValue(bound, "a bound of the range");
    if (typeof bound !== typeof bounds[0]) refuse("the bounds of a range are of one type");
  }
  return { ...range };
}

/**
 * A cursor that starts after this document. It holds index values in clear and is not authenticated: services
 * seal it before it leaves them.
 */
export function sealCursor(index: IndexShape, scan: PreparedScan, last: Document): string {
  const position = index.order.slice(scan.equals.length).map((field) => last[field]);
  return Buffer.from(JSON.stringify([digest(scan), position])).toString("base64url");
}

function openCursor(index: IndexShape, scan: PreparedScan, cursor: string): IndexValue[] {
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch (cause) {
    throw new StoreError("invalid", "the cursor is malformed", { cause });
  }
  const [bound, position] = Array.isArray(content) ? content : [];
  if (bound !== digest(scan)) refuse("the cursor belongs to another scan");
  if (
    !Array.isArray(position) ||
    position.length !== index.order.length - scan.equals.length ||
    !position.every(isIndexValue)
  ) {
    refuse("the cursor is malformed");
  }
  return position;
}

/** Identifies the scan without its limit: pages of one scan may differ in size. */
function digest({ collection, index, equals, range, descending }: PreparedScan): string {
  const bounds = [range.from ?? null, range.after ?? null, range.to ?? null];
  const shape = JSON.stringify([collection, index, equals, bounds, descending]);
  return createHash("sha256").update(shape).digest("base64url").slice(0, 22);
}

function refuse(message: string): never {
  throw new StoreError("invalid", message);
}
