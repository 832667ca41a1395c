import type { Json } from "./document.ts";
import { NormalizeError } from "./errors.ts";
import type { Reader } from "./reader.ts";

/** One vendor. Its folder has the code and the tables; `vendors.ts` has its line. */
export interface Vendor {
  /** As the request names it. */
  readonly name: string;
  /**
   * Tells the reader what the document measured, in its order.
   *
   * @throws NormalizeError `document` where it is none of the documents that are known
   */
  read(document: Json, reader: Reader): void;
}

/** For a document that is none of those that the vendor's module knows. */
export function unknownDocument(known: string): NormalizeError {
  const description = `is no document that is known here, or of another version: ${known}`;
  return new NormalizeError("document", "document", "DOCUMENT_UNKNOWN", description);
}
