import { createHash } from "node:crypto";
import type { Consent } from "./consent.ts";

/** Names one version of a consent by its content. Opaque to callers. */
export function etagOf(consent: Consent): string {
  return digest(consent).slice(0, 24);
}

/** A digest of plain data that does not depend on the order in which fields were set. */
export function digest(value: unknown): string {
  return createHash("sha256").update(canonical(value)).digest("base64url");
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
