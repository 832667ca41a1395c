import { StoreError } from "../errors.ts";
import type { Failure } from "./protocol.ts";

/** Primary result codes, https://www.sqlite.org/rescode.html */
const BUSY = 5;
const LOCKED = 6;
const IO = 10;
const FULL = 13;
const TOO_BIG = 18;
const NOT_A_DATABASE = 26;
const CORRUPT = 11;
const CONSTRAINT = 19;
/** Extended code: a page failed a checksum (of a VFS, or of the file system). */
const IO_DATA = IO | (32 << 8);
const IO_CORRUPT_FS = IO | (33 << 8);

function extendedCode(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}

function primaryCode(error: unknown): number | undefined {
  const code = extendedCode(error);
  return code === undefined ? undefined : code & 0xff;
}

export function isUniqueViolation(error: unknown): boolean {
  return primaryCode(error) === CONSTRAINT;
}

/** Also where there was no room to create a file. */
export function isFull(error: unknown): boolean {
  return (
    primaryCode(error) === FULL || (error instanceof Error && "code" in error && error.code === "ENOSPC")
  );
}

/** Whether the bytes read differ from the bytes written. */
export function isDamage(error: unknown): boolean {
  const primary = primaryCode(error);
  if (primary === CORRUPT || primary === NOT_A_DATABASE) return true;
  const code = extendedCode(error);
  return code === IO_DATA || code === IO_CORRUPT_FS;
}

export const fullFailure: Failure = {
  code: "unavailable",
  full: true,
  message: "the disk is full, or the store has reached its size limit",
};

/** The error for the caller. SQLite's own messages name tables and columns, never values. */
export function toFailure(error: unknown): Failure {
  if (error instanceof StoreError) return { code: error.code, message: error.message, full: error.full };
  if (isFull(error)) return fullFailure;
  if (isDamage(error)) return { code: "damaged", message: "the store's file is damaged or is no store" };
  switch (primaryCode(error)) {
    case BUSY:
    case LOCKED:
      return { code: "locked", message: "another process has the store open" };
    case TOO_BIG:
      return { code: "invalid", message: "a value is larger than the store can hold" };
    default:
      return { code: "unavailable", message: error instanceof Error ? error.message : "the store failed" };
  }
}
