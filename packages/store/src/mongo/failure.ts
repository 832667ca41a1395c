import {
  MongoError,
  MongoErrorLabel,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
} from "mongodb";
import { StoreError } from "../errors.ts";

/** https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml */
const NAMESPACE_EXISTS = 48;
const DOCUMENT_VALIDATION_FAILURE = 121;
const DUPLICATE_KEY = 11_000;
const OBJECT_TOO_LARGE = [10_334, 17_420];

function codeOf(error: unknown): number | undefined {
  return error instanceof MongoServerError && typeof error.code === "number" ? error.code : undefined;
}

export function isDuplicateKey(error: unknown): boolean {
  return codeOf(error) === DUPLICATE_KEY;
}

export function isNamespaceExists(error: unknown): boolean {
  return codeOf(error) === NAMESPACE_EXISTS;
}

/**
 * Whether the whole transaction may run again: a write conflict, a step-down, a lost connection, or a commit
 * whose outcome nobody told. Its commit document keeps a second run from a second effect.
 */
export function isTransient(error: unknown): boolean {
  if (isUndecided(error)) return true;
  return error instanceof MongoError && error.hasErrorLabel(MongoErrorLabel.TransientTransactionError);
}

/** Whether the transaction may have been committed all the same. */
export function isUndecided(error: unknown): boolean {
  if (error instanceof MongoNetworkError) return true;
  return error instanceof MongoError && error.hasErrorLabel(MongoErrorLabel.UnknownTransactionCommitResult);
}

/**
 * What the caller is told. Messages and details of the server quote keys and documents, so nothing of them goes
 * on, not even as a cause.
 */
export function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  if (code === DOCUMENT_VALIDATION_FAILURE) {
    const message = "MongoDB's validator refused a document: another version has migrated the collection";
    return new StoreError("unavailable", message);
  }
  if (code !== undefined && OBJECT_TOO_LARGE.includes(code)) {
    return new StoreError("invalid", "the document is larger than MongoDB stores with its index fields");
  }
  if (error instanceof MongoServerError) {
    return new StoreError("unavailable", `MongoDB refused: ${error.codeName ?? `code ${error.code}`}`);
  }
  if (error instanceof MongoServerSelectionError) {
    // Says where it tried and what it met; it has sent nothing that could be quoted.
    return new StoreError("unavailable", `MongoDB does not answer: ${error.message}`);
  }
  if (error instanceof MongoError) return new StoreError("unavailable", `MongoDB failed: ${error.name}`);
  if (isFileFailure(error)) {
    const message = `the MongoDB URI names a file that cannot be read: ${error.path} (${error.code})`;
    return new StoreError("invalid", message);
  }
  return new StoreError("unavailable", error instanceof Error ? error.name : "the store failed");
}

/** Of a certificate or an authority: the driver reads them when it connects. */
function isFileFailure(error: unknown): error is { readonly path: string; readonly code: string } {
  return error instanceof Error && "path" in error && "code" in error && "syscall" in error;
}
