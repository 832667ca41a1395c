import { createHash } from "node:crypto";
import { FhirServiceError } from "../../errors.ts";

/** Where each source of a page goes on: empty at its beginning, undefined where nothing is left. */
export type Positions = readonly (string | undefined)[];

/**
 * The token of a page of Observations. The positions within *records* are its own tokens, which hold for the caller and the query alone; a
 * position in time names nothing that the caller could not ask for. The digest keeps them with their query.
 */
export function formatPage(query: string, positions: Positions): string {
  const parts = [digestOf(query), ...positions.map((one) => one ?? null)];
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** @param sources how many there are; all begin where the text is empty */
export function parsePage(query: string, text: string, sources: number): Positions {
  if (text === "") return new Array<string>(sources).fill("");
  const [digest, ...positions] = partsOf(text);
  const whole =
    positions.length === sources && positions.every((one) => one === null || typeof one === "string");
  if (whole && digest === digestOf(query)) return positions.map((one) => (one as string | null) ?? undefined);
  throw new FhirServiceError(
    "INVALID_REQUEST",
    "_page is not one of this search: follow the link of the page before unchanged, or leave it out to start anew",
  );
}

function partsOf(text: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}

function digestOf(query: string): string {
  return createHash("sha256").update(query).digest("base64url").slice(0, 16);
}
