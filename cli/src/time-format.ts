import { CliError } from "./failure.ts";

/** A time as a file has it: an instant with its offset, or a local time that still needs a zone. */
export type ReadTime =
  | { readonly kind: "instant"; readonly ms: number; readonly offset: number | undefined }
  /** ISO 8601 without a zone. */
  | { readonly kind: "local"; readonly text: string };

/** Reads one text; a problem as text where it has another form. */
export type TimeReader = (text: string) => ReadTime | string;

/** For the help and for errors. */
export const timeFormatHelp =
  "iso, epoch-seconds, epoch-milliseconds, or a pattern of yyyy M d H h m s S a XXX, for example 'M/d/yyyy h:mm:ss a'";

const localPattern = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?$/;
const zonedPattern = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

/** The reader of a format: a word, or a pattern with the letters of Unicode's date field symbols (UTS 35). */
export function createTimeReader(format: string): TimeReader {
  if (format === "iso") return readIso;
  if (format === "epoch-seconds") return epochReader(/^-?\d{1,12}(\.\d{1,3})?$/, 1_000, "1460448000");
  if (format === "epoch-milliseconds") return epochReader(/^-?\d{1,15}$/, 1, "1460448000000");
  return patternReader(format);
}

function readIso(text: string): ReadTime | string {
  if (localPattern.test(text)) return { kind: "local", text: text.replace(" ", "T") };
  if (zonedPattern.test(text)) return zoned(text.replace(" ", "T"));
  const hint = /^\d{9,14}$/.test(text) ? "epoch-seconds or epoch-milliseconds" : "'M/d/yyyy h:mm:ss a'";
  return `time ${JSON.stringify(text)}: use 2016-04-12T08:00:00Z or 2016-04-12T08:00:00, or name its form with --time-format, for example ${hint}`;
}

function zoned(iso: string): ReadTime | string {
  const offset = iso.endsWith("Z") ? 0 : offsetOf(iso.slice(-6));
  const ms = Date.parse(iso);
  // Date.parse takes 31 February for 3 March.
  const exists =
    !Number.isNaN(ms) && new Date(ms + offset * 60_000).toISOString().startsWith(iso.slice(0, 10));
  return exists ? { kind: "instant", ms, offset } : `time ${JSON.stringify(iso)} does not exist`;
}

function offsetOf(text: string): number {
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(4, 6));
  return text.startsWith("-") ? -minutes : minutes;
}

function epochReader(pattern: RegExp, scale: number, example: string): TimeReader {
  return (text) => {
    const ms = Math.round(Number(text) * scale);
    if (pattern.test(text) && Math.abs(ms) <= 8.64e15) return { kind: "instant", ms, offset: undefined };
    return `time ${JSON.stringify(text)}: use a number such as ${example}`;
  };
}

/** What each run of letters matches; each may come once. */
const fields: ReadonlyMap<string, readonly [name: string, pattern: string]> = new Map([
  ["yyyy", ["year", "\\d{4}"]],
  ["MM", ["month", "\\d{2}"]],
  ["M", ["month", "\\d{1,2}"]],
  ["dd", ["day", "\\d{2}"]],
  ["d", ["day", "\\d{1,2}"]],
  ["HH", ["hour", "\\d{2}"]],
  ["H", ["hour", "\\d{1,2}"]],
  ["hh", ["hour12", "\\d{2}"]],
  ["h", ["hour12", "\\d{1,2}"]],
  ["mm", ["minute", "\\d{2}"]],
  ["m", ["minute", "\\d{1,2}"]],
  ["ss", ["second", "\\d{2}"]],
  ["s", ["second", "\\d{1,2}"]],
  ["SSS", ["fraction", "\\d{3}"]],
  ["a", ["half", "[AaPp]\\.?[Mm]\\.?"]],
  ["XXX", ["offset", "Z|[+-]\\d{2}:\\d{2}"]],
]);

function patternReader(format: string): TimeReader {
  const parts = format.matchAll(/'([^']*)'|([A-Za-z])\2*|[^A-Za-z']/g);
  let source = "";
  const names = new Set<string>();
  for (const [part, literal] of parts) {
    const field = fields.get(part);
    if (literal === undefined && /^[A-Za-z]/.test(part) && (field === undefined || names.has(field[0]))) {
      throw new CliError("usage", `${part} can't stand in the time format ${format}: use ${timeFormatHelp}`);
    }
    if (field !== undefined && literal === undefined) names.add(field[0]);
    source +=
      field === undefined || literal !== undefined ? escaped(literal ?? part) : `(?<${field[0]}>${field[1]})`;
  }
  const complete = ["year", "month", "day", "minute"].every((name) => names.has(name));
  if (!complete || names.has("hour") === names.has("hour12") || names.has("hour12") !== names.has("half")) {
    throw new CliError(
      "usage",
      `the time format ${format} needs a year, month, day, minute, and either H, or h with a: use ${timeFormatHelp}`,
    );
  }
  const pattern = new RegExp(`^${source}$`);
  return (text) => {
    const found = pattern.exec(text)?.groups;
    return found ? timeOf(found, text) : `time ${JSON.stringify(text)} is not of the form ${format}`;
  };
}

function timeOf(found: Readonly<Record<string, string | undefined>>, text: string): ReadTime | string {
  const { year, month, day, hour, hour12, half, minute, second = "0", fraction = "000", offset } = found;
  let hours = Number(hour ?? hour12);
  if (hour12 !== undefined) {
    if (hours < 1 || hours > 12) return `time ${JSON.stringify(text)} does not exist`;
    hours = (hours % 12) + (/^p/i.test(half!) ? 12 : 0);
  }
  if (hours > 23 || Number(minute) > 59 || Number(second) > 59) {
    return `time ${JSON.stringify(text)} does not exist`;
  }
  const two = (digits: number | string | undefined) => String(digits).padStart(2, "0");
  const local = `${year}-${two(month)}-${two(day)}T${two(hours)}:${two(minute)}:${two(second)}.${fraction}`;
  return offset === undefined ? { kind: "local", text: local } : zoned(local + offset);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
