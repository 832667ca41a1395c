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
 * Whether the whole transaction may run again: after a write conflict, a step-down, a lost connection, or a commit
 * with an unknown outcome. Its commit document prevents a second effect.
 */
export function isTransient(error: unknown): boolean {
  if (isUndecided(error)) return true;
  return error instanceof MongoError && error.hasErrorLabel(MongoErrorLabel.TransientTransactionError);
}

/** Whether the transaction may have been committed nevertheless. */
export function isUndecided(error: unknown): boolean {
  if (error instanceof MongoNetworkError) return true;
  return error instanceof MongoError && error.hasErrorLabel(MongoErrorLabel.UnknownTransactionCommitResult);
}

/**
 * The error for the caller. Messages and details of the server quote keys and documents, so none of them is passed
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
    // Names the address and the network error. No request has been sent yet, so it quotes no data.
    return new StoreError("unavailable", `MongoDB does not answer: ${error.message}`);
  }
  if (error instanceof MongoError) return new StoreError("unavailable", `MongoDB failed: ${error.name}`);
  if (isFileFailure(error)) {
    const message = `the MongoDB URI names a file that cannot be read: ${error.path} (${error.code})`;
    return new StoreError("invalid", message);
  }
  return new StoreError("unavailable", error instanceof Error ? error.name : "the store failed");
}

/** An error of a certificate or an authority: the driver reads the files when it connects. */
function isFileFailure(error: unknown): error is { readonly path: string; readonly code: string } {
  return error instanceof Error && "path" in error && "code" in error && "syscall" in error;
}
