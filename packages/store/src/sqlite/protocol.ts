import type { StoreErrorCode } from "../errors.ts";
import type { CollectionDeclaration, CommitResult, IndexValue, OutboxEntry } from "../port.ts";
import type { PreparedScan } from "../scan.ts";
import type { ReserveOptions } from "./room.ts";

/** What crosses between the store and its worker. Everything here survives a structured clone. */
export interface WorkerOptions {
  readonly path: string;
  readonly collections: readonly CollectionDeclaration[];
  readonly maxBytes?: number;
  readonly reserve?: ReserveOptions;
}

/** Bytes travel packed in one buffer of the message; changes and events name their part of it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type WireChange =
  | {
      readonly kind: "insert" | "replace";
      readonly collection: string;
      readonly values: ReadonlyArray<IndexValue | null>;
      readonly document: Span;
      readonly ifRevision: number;
    }
  | {
      readonly kind: "delete";
      readonly collection: string;
      readonly key: readonly IndexValue[];
      readonly ifRevision: number;
    };

export interface WireEvent {
  readonly id: string;
  readonly subject: string;
  readonly data: Span;
  readonly headers: string;
}

/** A commit as it is sent: one text costs a third of the objects that it stands for (commit-wire.ts). */
export interface PackedCommit {
  readonly kind: "commit";
  /** All of a `WireCommit` except its bytes. */
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** The same on the worker's side. */
export interface WireCommit {
  readonly kind: "commit";
  readonly partition: string;
  /** As in the port's `Commit`. */
  readonly useReserve?: boolean;
  readonly changes: readonly WireChange[];
  readonly events: readonly WireEvent[];
  readonly bytes: Uint8Array;
}

type DeleteOutbox = { readonly kind: "deleteOutbox"; readonly positions: readonly number[] };

export type WriteRequest = WireCommit | DeleteOutbox;

export type ReadRequest =
  | { readonly kind: "get"; readonly collection: string; readonly key: readonly IndexValue[] }
  | { readonly kind: "scan"; readonly scan: PreparedScan }
  | { readonly kind: "readOutbox"; readonly limit: number }
  /** Without a collection: counts the outbox. */
  | { readonly kind: "count"; readonly collection?: string };

export type Request =
  | PackedCommit
  | DeleteOutbox
  | ReadRequest
  | { readonly kind: "scrub" }
  /** Answered when the copy is on disk; other requests are served meanwhile. */
  | { readonly kind: "copy"; readonly path: string }
  | { readonly kind: "close" };

export interface Row {
  readonly revision: number;
  readonly document: Uint8Array;
}

/** The worker's answer to each kind of request. */
export interface Answers {
  readonly commit: CommitResult;
  readonly deleteOutbox: undefined;
  readonly get: Row | undefined;
  /** One row more than the limit shows that there is a next page. */
  readonly scan: readonly Row[];
  readonly readOutbox: readonly OutboxEntry[];
  readonly count: number;
  readonly scrub: undefined;
  readonly copy: undefined;
  readonly close: undefined;
}

export interface Failure {
  readonly code: StoreErrorCode;
  readonly message: string;
  /** There is no room on the disk. */
  readonly full?: boolean;
}

export interface Numbered {
  readonly id: number;
  readonly request: Request;
}

export type Reply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failure: Failure };

/** The worker's first message is `opened` or `refused`; then come replies, several a message. */
export type WorkerMessage =
  | { readonly kind: "opened" }
  | { readonly kind: "refused"; readonly failure: Failure }
  | { readonly kind: "replies"; readonly replies: readonly Reply[] };
