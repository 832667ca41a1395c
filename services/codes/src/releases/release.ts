import type { Document } from "@wellapi/store";
import type { INSTALLATION } from "../collections.ts";

export type ReleaseKind = "code_system" | "value_set";
export type ReleaseState = "loading" | "active" | "deleting";

/** A version of a code system or value set that an operator loads or has loaded. */
export interface Release {
  /** `rel_…` */
  readonly id: string;
  readonly kind: ReleaseKind;
  readonly url: string;
  readonly version: string;
  readonly title: string;
  readonly state: ReleaseState;
  /** How many were sent: the next one's place. */
  readonly sent: number;
  /** How many codes there are: one that was sent twice is one. */
  readonly codes: number;
  /** UTC milliseconds. */
  readonly created: number;
  readonly activated?: number;
}

export interface ReleaseDocument extends Document, Release {
  readonly partition: typeof INSTALLATION;
}

/** A code of a release, as it is stored. */
export interface ConceptDocument extends Document {
  readonly partition: typeof INSTALLATION;
  readonly release: string;
  readonly system: string;
  readonly code: string;
  readonly display: string;
  /** The display in small letters, cut: what a filter looks for. */
  readonly name: string;
  readonly inactive: boolean;
}

/** So much of a display is searched. */
const searched = 64;

/** What a filter looks for, of a display or of a filter. */
export function searchName(text: string): string {
  return text.toLowerCase().slice(0, searched);
}
