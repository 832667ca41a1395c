/** How much structure a JSON text may have. */
export interface JsonShapeLimits {
  readonly mostDepth: number;
  /** Objects and arrays together. */
  readonly mostElements: number;
}

const mark = {
  quote: 0x22,
  backslash: 0x5c,
  openObject: 0x7b,
  closeObject: 0x7d,
  openArray: 0x5b,
  closeArray: 0x5d,
} as const;

/**
 * Whether a JSON text is deeper or has more elements than the limits, found without parsing it: what a parser would make of
 * it may cost far more than its bytes. Says nothing about whether it is JSON.
 */
export function beyondJsonShape(
  bytes: Uint8Array,
  { mostDepth, mostElements }: JsonShapeLimits,
): "too_deep" | "too_many" | undefined {
  let depth = 0;
  let elements = 0;
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (quoted) {
      if (byte === mark.backslash) at++;
      else if (byte === mark.quote) quoted = false;
    } else if (byte === mark.quote) {
      quoted = true;
    } else if (byte === mark.openObject || byte === mark.openArray) {
      elements++;
      depth++;
      if (depth > mostDepth) return "too_deep";
      if (elements > mostElements) return "too_many";
    } else if (byte === mark.closeObject || byte === mark.closeArray) {
      depth--;
    }
  }
  return undefined;
}
