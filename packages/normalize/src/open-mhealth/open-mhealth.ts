import type { Json } from "../document.ts";
import type { Fields } from "../fields.ts";
import type { Reader } from "../reader.ts";
import { unknownDocument, type Vendor } from "../vendor.ts";
import { readBody } from "./body.ts";
import { readHeader } from "./header.ts";

/** Data points of Open mHealth. */
export const openMHealth: Vendor = { name: "open-mhealth", read };

/** Data points of IEEE 1752.1: the same envelope, with headers and bodies of that standard. */
export const ieee1752: Vendor = { name: "ieee-1752", read };

/** One data point, or a list of them. Each says by its header which schema its body has. */
function read(document: Json, reader: Reader): void {
  if (!Array.isArray(document)) {
    const point = reader.root(document);
    if (!point.has("header") || !point.has("body"))
      throw unknownDocument("a data point with header and body");
    readPoint(point, reader);
    return;
  }
  for (const [index, element] of document.entries()) {
    const point = reader.fields(element as Json, `[${index}]`);
    if (point === undefined) continue;
    if (point.has("header") && point.has("body")) readPoint(point, reader);
    else reader.refuse(point.path, "HEADER_REQUIRED", "must have a header and a body");
  }
}

function readPoint(point: Fields, reader: Reader): void {
  const header = point.object("header");
  const body = point.object("body");
  if (header === undefined || body === undefined) return;
  point.close();
  const read = readHeader(header, reader);
  if (read !== undefined) readBody(body, read, reader);
}
