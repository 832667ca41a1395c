import { createHmac, timingSafeEqual } from "node:crypto";
import type { Entry, Fact, Link } from "./port.ts";

/** The entry that follows `before`: HMAC-SHA-256 over the journal's id, the place, the fact and the mac before. */
export function nextEntry(key: Uint8Array, journal: string, before: Link, fact: Fact): Entry {
  const { kind, partition, subject, time } = fact;
  const position = before.position + 1;
  const content = JSON.stringify([
    "wellapi/journal/v1",
    journal,
    position,
    kind,
    partition,
    subject,
    time,
    Buffer.from(before.mac).toString("hex"),
  ]);
  const mac = new Uint8Array(createHmac("sha256", key).update(content).digest());
  return { kind, partition, subject, time, position, mac };
}

/** Whether the entry is the one that was written after `before`. */
export function follows(key: Uint8Array, journal: string, before: Link, entry: Entry): boolean {
  const expected = nextEntry(key, journal, before, entry);
  return entry.position === expected.position && sameBytes(entry.mac, expected.mac);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
