import { MAX_CODE, MAX_CODINGS, MAX_DEVICE_TEXT, MAX_DISPLAY, MAX_SYSTEM } from "./limits.ts";
import { type Violation, violation } from "./violation.ts";

/** A concept of a code system. */
export interface Coding {
  /** Empty means LOINC. */
  readonly system: string;
  readonly code: string;
  readonly display: string;
}

export interface Device {
  readonly identifier: string;
  readonly model: string;
}

/** How many of an enumeration's values are defined, from 0 on without a gap. */
const CAPTURE_METHODS = 5;

export function judgeText(text: string, most: number, field: string, found: Violation[]): void {
  // In UTF-16 there are at least as many units as characters.
  if (text.length > most && [...text].length > most) {
    found.push(violation(field, "TEXT_TOO_LONG", `at most ${most} characters`));
  }
  if (!text.isWellFormed()) found.push(violation(field, "TEXT_INVALID"));
}

/** Whether the list is no longer than it may be. */
export function judgeLength(
  list: readonly unknown[],
  most: number,
  field: string,
  found: Violation[],
): boolean {
  if (list.length <= most) return true;
  found.push(violation(field, "LIST_TOO_LONG", `at most ${most}`));
  return false;
}

/** The form of a concept, whatever it means. */
export function judgeCoding({ system, code, display }: Coding, field: string, found: Violation[]): void {
  if (code === "") found.push(violation(`${field}.code`, "CODE_REQUIRED"));
  judgeText(code, MAX_CODE, `${field}.code`, found);
  judgeText(system, MAX_SYSTEM, `${field}.system`, found);
  judgeText(display, MAX_DISPLAY, `${field}.display`, found);
}

export function judgeCodings(codings: readonly Coding[], field: string, found: Violation[]): void {
  if (codings.length === 0 || !judgeLength(codings, MAX_CODINGS, field, found)) return;
  for (const [index, coding] of codings.entries()) judgeCoding(coding, `${field}[${index}]`, found);
}

/** Who captured it, and how. */
export function judgeCapture(device: Device | undefined, method: number, found: Violation[]): void {
  if (device !== undefined) {
    judgeText(device.identifier, MAX_DEVICE_TEXT, "device.identifier", found);
    judgeText(device.model, MAX_DEVICE_TEXT, "device.model", found);
  }
  judgeEnum(method, CAPTURE_METHODS, "method", found);
}

/** @param count how many values are defined, from 0 on without a gap */
export function judgeEnum(value: number, count: number, field: string, found: Violation[]): void {
  if (!(value >= 0 && value < count)) found.push(violation(field, "ENUM_UNKNOWN"));
}
