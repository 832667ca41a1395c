import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import type { Row } from "@wellapi/client";
import { parse } from "csv-parse";
import { CliError } from "./failure.ts";
import { createTimeReader, type TimeReader } from "./time-format.ts";
import { createZone, type Zone } from "./zone.ts";

export interface CsvOptions {
  readonly timeColumn?: string;
  readonly valueColumn?: string;
  /** IANA zone of times without a zone. */
  readonly timeZone?: string;
  /** As `createTimeReader` takes it; `iso` unless given. */
  readonly timeFormat?: string;
  /** One character; found in the first line unless given. */
  readonly delimiter?: string;
  /** 98,6 instead of 98.6. */
  readonly decimalComma?: boolean;
  /** Given: a row that cannot be sent is left out and told here. Absent: it is an error. */
  readonly onInvalid?: (problem: RowProblem) => void;
}

export interface RowProblem {
  /** From 1, which is the header. */
  readonly line: number;
  readonly problem: string;
}

/** The error names at most so many bad rows. */
export const namedProblems = 10;

const delimiters = [",", ";", "\t"];

/** Reads the rows in order; throws one CliError that names the bad rows before anything is yielded after them. */
export async function* readRows(file: string, options: CsvOptions): AsyncGenerator<Row> {
  const { onInvalid } = options;
  const problems: RowProblem[] = [];
  const invalid = onInvalid ?? ((problem: RowProblem) => void problems.push(problem));
  const readRow = createRowReader(options);
  let previous = Number.NEGATIVE_INFINITY;
  for await (const { line, record } of recordsOf(file, options.delimiter)) {
    const row = readRow(record, previous);
    const found = "problems" in row ? row.problems : [];
    for (const problem of found) invalid({ line, problem });
    if (!("problems" in row)) {
      if (row.timeMs <= previous) invalid({ line, problem: "times must ascend; sort the file" });
      else if (problems.length === 0) yield row;
      // Only a row that is sent moves the time on, where others are left out.
      previous = onInvalid ? Math.max(previous, row.timeMs) : row.timeMs;
    }
    if (problems.length > namedProblems) break;
  }
  if (problems.length > 0) {
    const named = problems.slice(0, namedProblems).map(({ line, problem }) => `line ${line}: ${problem}`);
    throw new CliError(
      "input",
      `${file} has rows that cannot be sent; nothing was sent:\n  ${named.join("\n  ")}`,
    );
  }
}

interface FileRecord {
  readonly line: number;
  readonly record: Readonly<Record<string, string>>;
}

async function* recordsOf(file: string, given: string | undefined): AsyncGenerator<FileRecord> {
  let line = 1;
  try {
    const delimiter = given ?? delimiterOf(file);
    const parser = createReadStream(file)
      .on("error", (error) => parser.destroy(error))
      .pipe(parse({ columns: true, trim: true, bom: true, skip_empty_lines: true, delimiter }));
    for await (const record of parser as AsyncIterable<Record<string, string>>) {
      line += 1;
      yield { line, record };
    }
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError("input", `cannot read ${file}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

/** The one of `delimiters` that the first line has; a comma where it has none. */
function delimiterOf(file: string): string {
  const bytes = Buffer.alloc(65_536);
  const opened = openSync(file, "r");
  let length: number;
  try {
    length = readSync(opened, bytes);
  } finally {
    closeSync(opened);
  }
  const [header = ""] = bytes.toString("utf8", 0, length).split(/\r?\n/);
  const found = delimiters.filter((one) => header.replace(/"[^"]*"/g, "").includes(one));
  if (found.length <= 1) return found[0] ?? ",";
  throw new CliError(
    "input",
    `${file}: its first line has several of comma, semicolon and tab: name it with --delimiter`,
  );
}

/** Reads the cells of a row; the columns are found in the first. */
function createRowReader(options: CsvOptions) {
  const zone = options.timeZone ? createZone(options.timeZone) : undefined;
  const readTime = createTimeReader(options.timeFormat ?? "iso");
  let columns: { readonly time: string; readonly value: string } | undefined;
  return (
    record: FileRecord["record"],
    previousMs: number,
  ): Row | { readonly problems: readonly string[] } => {
    columns ??= columnsOf(Object.keys(record), options);
    const time = timeOf(readTime, record[columns.time] ?? "", zone, previousMs);
    const value = parseValue(record[columns.value] ?? "", options.decimalComma ?? false);
    if (typeof time === "string" || typeof value === "string") {
      return { problems: [time, value].filter((one) => typeof one === "string") };
    }
    return { timeMs: time.ms, offsetMinutes: time.offset, ...value };
  };
}

function columnsOf(header: readonly string[], { timeColumn, valueColumn }: CsvOptions) {
  return {
    time: column(header, timeColumn, /time|date|timestamp/i, "--time-column"),
    value: column(header, valueColumn, /value/i, "--value-column"),
  };
}

function column(
  header: readonly string[],
  wanted: string | undefined,
  guess: RegExp,
  option: string,
): string {
  if (wanted !== undefined) {
    if (header.includes(wanted)) return wanted;
    throw new CliError(
      "input",
      `no column ${wanted} among ${header.join(", ")}: name another with ${option}`,
    );
  }
  const found = header.find((name) => guess.test(name));
  if (found === undefined)
    throw new CliError("input", `which of ${header.join(", ")} is it? Name it with ${option}`);
  return found;
}

function timeOf(
  readTime: TimeReader,
  text: string,
  zone: Zone | undefined,
  previousMs: number,
): { ms: number; offset: number } | string {
  const time = readTime(text);
  if (typeof time === "string") return time;
  if (time.kind === "instant") return { ms: time.ms, offset: time.offset ?? zone?.offsetAt(time.ms) ?? 0 };
  if (!zone)
    return "a time without a zone: name the zone with --time-zone, for example --time-zone Europe/Berlin";
  return zone.resolve(time.text, previousMs);
}

const decimalPattern = /^(-?)(\d{1,16})(?:\.(\d{1,9}))?$/;

function parseValue(text: string, comma: boolean): { mantissa: number; scale: number } | string {
  const match = decimalPattern.exec(comma ? text.replace(/[.,]/g, (c) => (c === "," ? "." : "?")) : text);
  if (!match) {
    const hint = !comma && /^-?\d+,\d+$/.test(text) ? "; with --decimal-comma 98,6 is 98.6" : "";
    return `value ${JSON.stringify(text)}: use a decimal with at most 9 digits after the point${hint}`;
  }
  const fraction = match[3] ?? "";
  const mantissa = Number(`${match[1]}${match[2]}${fraction}`);
  if (!Number.isSafeInteger(mantissa))
    return `value ${JSON.stringify(text)}: more than 15 digits are not exact`;
  return { mantissa, scale: fraction.length };
}
