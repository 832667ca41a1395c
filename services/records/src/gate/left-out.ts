import { RecordsError, type RecordsErrorCode } from "../errors.ts";

/** What the reader may not read. Whatever else fails, fails the read. */
const denials: ReadonlySet<RecordsErrorCode> = new Set([
  "CONSENT_REQUIRED",
  "SCOPE_REQUIRED",
  "NOT_FOR_REPRESENTATIVES",
  "POLICY_DENIED",
  "RESOLUTION_TOO_FINE",
]);

/** Whether a read of several codes or keys goes on without this one, as if there were nothing of it. */
export function isLeftOut(error: unknown): boolean {
  return error instanceof RecordsError && denials.has(error.code);
}

/** What is answered about one of several codes or keys; undefined where it is left out. */
export async function unlessLeftOut<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isLeftOut(error)) return undefined;
    throw error;
  }
}
