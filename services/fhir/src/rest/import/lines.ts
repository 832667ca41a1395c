/** A line of NDJSON, and its number in the body from 1. */
export interface NumberedLine {
  readonly number: number;
  /** Undefined: it is longer than a record may be, and was not kept. */
  readonly text: string | undefined;
}

export interface LineLimits {
  /** Bytes of a line. */
  readonly line: number;
  /** Bytes of all lines that are kept. */
  readonly total: number;
  readonly lines: number;
}

export interface ReadLines {
  readonly lines: readonly NumberedLine[];
  /** Whether something behind the last line was not read, because the limits were reached. */
  readonly cut: boolean;
}

const newline = 0x0a;

/**
 * The lines that are not empty. A line that is too long is passed over while it comes, whatever its length, and the rest goes on. Throws
 * TypeError where the text is no UTF-8.
 */
export async function readLines(body: AsyncIterable<Uint8Array>, limits: LineLimits): Promise<ReadLines> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const lines: NumberedLine[] = [];
  let parts: Uint8Array[] = [];
  let [length, total, number] = [0, 0, 1];
  let cut = false;
  /** Takes the line that has ended; false where there is no room for it. */
  const end = (): boolean => {
    const tooLong = length > limits.line;
    const text = tooLong ? undefined : decoder.decode(Buffer.concat(parts)).trim();
    const full = lines.length === limits.lines || total + (tooLong ? 0 : length) > limits.total;
    if (text !== "" && full) return false;
    if (text !== "") lines.push({ number, text });
    total += tooLong ? 0 : length;
    parts = [];
    length = 0;
    number++;
    return true;
  };
  for await (const bytes of body) {
    // The rest is passed over, and not broken off: else the caller's connection ends before the answer.
    if (cut) continue;
    let from = 0;
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, from)) {
      add(bytes.subarray(from, at));
      cut = !end();
      if (cut) break;
      from = at + 1;
    }
    if (!cut) add(bytes.subarray(from));
  }
  return { lines, cut: cut || (length > 0 && !end()) };

  function add(part: Uint8Array): void {
    length += part.length;
    // Nothing of a line that is too long stays.
    if (length > limits.line) parts = [];
    else if (part.length > 0) parts.push(part);
  }
}
