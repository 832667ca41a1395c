import type { Method } from "./provenance.ts";

/** Of whom data is, and how it came about. */
export interface Contributor {
  readonly organization: string;
  /** Internal id; empty: it named none. Undefined: not known, and then nothing is permitted that might be of a device that is not. */
  readonly device: string | undefined;
  /** 0: not stated. Undefined: not known, and then nothing is permitted that might have come about otherwise. */
  readonly method: Method | undefined;
}

/** Equal for contributors whose data is permitted alike. */
export function contributorKey(contributor: Contributor | undefined): string {
  return JSON.stringify([contributor?.organization, contributor?.device, contributor?.method]);
}
