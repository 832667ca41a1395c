/** A parser of bytes that come from outside, as the fuzzer uses it. */
export interface FuzzTarget {
  readonly name: string;
  readonly open: () => Promise<OpenTarget> | OpenTarget;
}

export interface OpenTarget {
  /** Inputs that the parser accepts, made by the code itself. */
  readonly corpus: readonly Uint8Array[];
  /** Parts of the format that chance hardly finds. */
  readonly words?: readonly string[];
  /**
   * Parses one input and checks what came out of it. What it throws is a failure, unless `refuses` knows it. A text that it
   * returns or resolves with tells outcomes apart: an input with a new one is mutated further.
   */
  readonly parse: (input: Uint8Array) => unknown;
  /** Whether the parser may throw this error. */
  readonly refuses: (error: unknown) => boolean;
}

/** A wrong result: `refuses` never knows it. */
export class WrongResult extends Error {
  override readonly name = "WrongResult";
}

export function assertResult(holds: boolean, what: string): asserts holds {
  if (!holds) throw new WrongResult(what);
}

/** `refuses` for parsers with an error class of their own. */
export function isOneOf(
  ...classes: readonly (abstract new (
    ...parameters: never[]
  ) => Error)[]
): OpenTarget["refuses"] {
  return (error) => classes.some((one) => error instanceof one);
}

export function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

/** As a text comes in: bytes that are no UTF-8 are replaced. */
export function textOf(input: Uint8Array): string {
  return Buffer.from(input).toString("utf8");
}
