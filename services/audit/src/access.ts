/** Partition of accesses that are about no patient. Patients' partitions have a `/`. */
export const INSTALLATION_PARTITION = "installation";

/** The whole log lies in one partition, so that a batch is integrated by one commit. */
export const LOG_PARTITION = "log";

/** A leaf as a service sent it. */
export interface IncomingLeaf {
  readonly id: string;
  /** The patient's partition, or INSTALLATION_PARTITION. */
  readonly partition: string;
  /** The actor's organization; undefined where there is none. */
  readonly organization: string | undefined;
  /** UTC milliseconds since 1970. */
  readonly timeMs: number;
  /** What was called, and how it was answered. */
  readonly call: {
    readonly method: string;
    readonly phase: "call" | "opened" | "changed" | "closed";
    readonly permitted: boolean;
    /** The application that called, its id; empty: another kind of actor. */
    readonly application: string;
    /** Of a refusal; it may be empty. */
    readonly reason: string;
    /** Samples or records. */
    readonly items: number;
  };
  /** 32 bytes. */
  readonly nonce: Uint8Array;
  readonly body: Uint8Array;
}

/** Half-open, in UTC milliseconds. */
export interface Interval {
  readonly from?: number;
  readonly to?: number;
}

/** Which accesses a caller may see: those of a partition, or those of an organization. */
export type Scope =
  | { readonly kind: "partition"; readonly partition: string }
  | { readonly kind: "organization"; readonly organization: string };

/** The caller, as far as it matters here. */
export interface Viewer {
  readonly kind: string;
  readonly organization?: string;
  readonly partition?: string;
}

/**
 * A patient sees the accesses to their data, an organization's applications and members its own, an operator those about no patient. Undefined
 * for everybody else: they see nothing.
 */
export function scopeOf(viewer: Viewer): Scope | undefined {
  switch (viewer.kind) {
    case "patient":
      return viewer.partition ? { kind: "partition", partition: viewer.partition } : undefined;
    case "application":
    case "member":
      return viewer.organization ? { kind: "organization", organization: viewer.organization } : undefined;
    case "operator":
      return { kind: "partition", partition: INSTALLATION_PARTITION };
    default:
      return undefined;
  }
}

export function isVisible(
  scope: Scope,
  access: { readonly partition: string; readonly organization?: string | undefined },
): boolean {
  return scope.kind === "partition"
    ? access.partition === scope.partition
    : access.organization === scope.organization;
}
