import { StoreError } from "../errors.ts";
import type { Failure } from "./protocol.ts";

/** Primary result codes, https://www.sqlite.org/rescode.html */
const BUSY = 5;
const LOCKED = 6;
const FULL = 13;
const TOO_BIG = 18;
const NOT_A_DATABASE = 26;
const CORRUPT = 11;
const CONSTRAINT = 19;

function primaryCode(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

export function isUniqueViolation(error: unknown): boolean {
  return primaryCode(error) === CONSTRAINT;
}

export function isFull(error: unknown): boolean {
  return primaryCode(error) === FULL;
}

/** What the caller is told. SQLite's own messages name tables and columns, never values. */
export function toFailure(error: unknown): Failure {
  if (error instanceof StoreError) return { code: error.code, message: error.message };
  switch (primaryCode(error)) {
    case BUSY:
    case LOCKED:
      return { code: "locked", message: "another process has the store open" };
    case FULL:
      return { code: "unavailable", message: "the disk is full, or the store has reached its size limit" };
    case TOO_BIG:
      return { code: "invalid", message: "a value is larger than the store can hold" };
    case NOT_A_DATABASE:
    case CORRUPT:
      return { code: "unavailable", message: "the store's file is damaged or is no store" };
    default:
      return { code: "unavailable", message: error instanceof Error ? error.message : "the store failed" };
  }
}
