/** Of whom data is. */
export interface Contributor {
  readonly organization: string;
  /** Internal id; empty: it named none. Undefined: not known, and then nothing is permitted that might be of a device that is not. */
  readonly device: string | undefined;
}
