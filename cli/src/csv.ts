import { createReadStream } from "node:fs";
import type { Row } from "@wellapi/client";
import { parse } from "csv-parse";
import { CliError } from "./failure.ts";
import { createZone, type Zone } from "./zone.ts";

export interface CsvOptions {
  readonly timeColumn?: string;
  readonly valueColumn?: string;
  /** IANA zone of times without a zone. */
  readonly timeZone?: string;
}

const decimalPattern = /^(-?)(\d{1,16})(?:\.(\d{1,9}))?$/;
const localPattern = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?$/;
const zonedPattern = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

/** The error names at most so many bad rows. */
const namedProblems = 10;

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

function parseTime(
  text: string,
  zone: Zone | undefined,
  previousMs: number,
): { ms: number; offset: number } | string {
  if (zonedPattern.test(text)) {
    const iso = text.replace(" ", "T");
    const offset = iso.endsWith("Z") ? 0 : offsetOf(iso.slice(-6));
    return { ms: Date.parse(iso), offset };
  }
  if (!localPattern.test(text))
    return `time ${JSON.stringify(text)}: use 2016-04-12T08:00:00Z or 2016-04-12T08:00:00`;
  if (!zone)
    return "a time without a zone: name the zone with --time-zone, for example --time-zone Europe/Berlin";
  return zone.resolve(text.replace(" ", "T"), previousMs);
}

function offsetOf(text: string): number {
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(4, 6));
  return text.startsWith("-") ? -minutes : minutes;
}

function parseValue(text: string): { mantissa: number; scale: number } | string {
  const match = decimalPattern.exec(text);
  if (!match) return `value ${JSON.stringify(text)}: use a decimal with at most 9 digits after the point`;
  const fraction = match[3] ?? "";
  const mantissa = Number(`${match[1]}${match[2]}${fraction}`);
  if (!Number.isSafeInteger(mantissa))
    return `value ${JSON.stringify(text)}: more than 15 digits are not exact`;
  return { mantissa, scale: fraction.length };
}

/** Reads the rows in order; throws one CliError that names the bad rows before anything is yielded after them. */
export async function* readRows(file: string, options: CsvOptions): AsyncGenerator<Row> {
  const zone = options.timeZone ? createZone(options.timeZone) : undefined;
  const parser = createReadStream(file)
    .on("error", (error) => parser.destroy(error))
    .pipe(parse({ columns: true, trim: true, bom: true, skip_empty_lines: true }));
  const problems: string[] = [];
  let line = 1;
  let timeColumn: string | undefined;
  let valueColumn = "";
  let previous = Number.NEGATIVE_INFINITY;
  try {
    for await (const record of parser as AsyncIterable<Record<string, string>>) {
      line += 1;
      if (timeColumn === undefined) {
        const header = Object.keys(record);
        timeColumn = column(header, options.timeColumn, /time|date|timestamp/i, "--time-column");
        valueColumn = column(header, options.valueColumn, /value/i, "--value-column");
      }
      const time = parseTime(record[timeColumn] ?? "", zone, previous);
      const value = parseValue(record[valueColumn] ?? "");
      for (const found of [time, value])
        if (typeof found === "string") problems.push(`line ${line}: ${found}`);
      if (typeof time === "string" || typeof value === "string") {
        if (problems.length > namedProblems) break;
        continue;
      }
      if (time.ms <= previous) problems.push(`line ${line}: times must ascend; sort the file`);
      previous = time.ms;
      if (problems.length === 0) yield { timeMs: time.ms, offsetMinutes: time.offset, ...value };
    }
  } catch (cause) {
    throw new CliError("input", `cannot read ${file}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  if (problems.length > 0) {
    throw new CliError(
      "input",
      `${file} has rows that cannot be sent; nothing was sent:\n  ${problems.slice(0, namedProblems).join("\n  ")}`,
    );
  }
}
