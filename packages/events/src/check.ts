import { checkOutboxEvent, type OutboxEvent } from "@wellapi/store";
import { EventsError } from "./errors.ts";
import type { Consumption } from "./port.ts";
import { createSubjectFilter } from "./subjects.ts";

const MAX_BATCH = 256;

/** Throws `invalid` for an event that breaks the port's contract, the same on every engine. */
export function checkEvent(event: OutboxEvent): void {
  try {
    checkOutboxEvent(event);
  } catch (cause) {
    throw new EventsError("invalid", cause instanceof Error ? cause.message : "the event is invalid", {
      cause,
    });
  }
}

/** Throws `invalid` for a consumption that breaks the port's contract, the same on every engine. */
export function checkConsumption({
  durable,
  subjects,
  batch = 1,
  maxAttempts = 1,
  backoffMs = 1,
}: Consumption): void {
  const check = (holds: boolean, message: string) => {
    if (!holds) throw new EventsError("invalid", message);
  };
  checkDurable(durable);
  check(subjects.length > 0, "a consumption names at least one subject");
  check(Number.isInteger(batch) && batch >= 1 && batch <= MAX_BATCH, `batch is 1 to ${MAX_BATCH}`);
  check(Number.isInteger(maxAttempts) && maxAttempts >= 1, "maxAttempts is an integer from 1");
  check(Number.isInteger(backoffMs) && backoffMs >= 1, "backoffMs is an integer from 1");
  createSubjectFilter(subjects);
}

export function checkDurable(durable: string): void {
  if (!/^[A-Za-z0-9_-]{1,100}$/.test(durable)) {
    throw new EventsError("invalid", "a durable's name is letters, digits, _ and -");
  }
}

const MAX_SIGNAL_BYTES = 64 * 1024;

export function checkSignal(name: string, bytes = 0): void {
  if (!/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(name)) {
    throw new EventsError("invalid", "a signal's name is dot-separated words");
  }
  if (bytes > MAX_SIGNAL_BYTES) {
    throw new EventsError("invalid", `a signal's data is at most ${MAX_SIGNAL_BYTES} bytes`);
  }
}

/** Two consumptions of one durable name the same set of subjects. */
export function subjectsOf({ subjects }: Consumption): string {
  return [...new Set(subjects)].sort().join();
}

const MAX_ERROR_LENGTH = 500;

/** What a dead letter keeps of the handler's error. */
export function deadLetterError(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.slice(0, MAX_ERROR_LENGTH).toWellFormed();
}
