import { type DescMessage, type MessageShape, toJson } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { SingleBar } from "cli-progress";
import Table from "cli-table3";
import type { Io } from "./io.ts";

/**
 * A command's output: results to stdout, as JSON documents, one a line, or as readable text; everything else to
 * stderr.
 */
export interface Output {
  /** One message; `text` is its readable form. */
  message<D extends DescMessage>(schema: D, message: MessageShape<D>, text: () => string): void;
  /** Rows of one kind. */
  rows<D extends DescMessage>(
    schema: D,
    messages: ReadonlyArray<MessageShape<D>>,
    head: readonly string[],
    row: (message: MessageShape<D>) => ReadonlyArray<string | number>,
  ): void;
  /** A plain object. */
  object(value: object, text: () => string): void;
  /** A line of a result with its own format. */
  line(text: string): void;
  /** A line beside the results, on stderr. */
  note(text: string): void;
  /** Progress on stderr, for this many samples: a bar on a terminal, else a line every few seconds. */
  bar(total: number): Bar;
  readonly json: boolean;
}

export interface Bar {
  increment(by: number): void;
  stop(): void;
}

export function createOutput({ stdout, stderr }: Io, json: boolean): Output {
  const line = (text: string) => void stdout.write(`${printable(text)}\n`);
  return {
    json,
    line,
    note: (text) => void stderr.write(`${printable(text)}\n`),
    bar: (total) => openBar(stderr, total),
    message: (schema, message, text) => line(json ? JSON.stringify(toJson(schema, message)) : text()),
    object: (value, text) => line(json ? JSON.stringify(value) : text()),
    rows: (schema, messages, head, row) => {
      if (json) {
        for (const message of messages) line(JSON.stringify(toJson(schema, message)));
        return;
      }
      if (messages.length === 0) {
        line("none");
        return;
      }
      line(table(head, messages.map(row)));
    },
  };
}

/**
 * All control characters (ESC, and CSI as one character) but tab and line feed; those that reorder text (Unicode UAX 9); and
 * Unicode's line ends.
 */
const unprintable = /[^\P{Cc}\t\n]|\p{Bidi_Control}|[\u2028\u2029]/gu;

/**
 * The text with what a terminal would obey as `\u001b`. Names, notices and messages come from others: one could retitle the
 * terminal, hide a line or show a link that leads elsewhere. Such characters stand only inside strings of a JSON document, where
 * the escape means the same character; JSON itself escapes only those below U+0020.
 */
export function printable(text: string): string {
  return text.replace(unprintable, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const lineEveryMs = 5_000;

function openBar(stream: Io["stderr"], total: number): Bar {
  if (!stream.isTTY) return createProgressLines((line) => void stream.write(`${line}\n`), total);
  const bar = new SingleBar({
    format: "{bar} {percentage}% {value}/{total} samples, {eta} s left",
    hideCursor: true,
    noTTYOutput: false,
    stream,
  });
  bar.start(total, 0);
  return bar;
}

/** For logs: a line at most every five seconds, so that a short upload has none. */
export function createProgressLines(write: (line: string) => void, total: number, now = Date.now): Bar {
  let done = 0;
  let told = now();
  return {
    increment(by) {
      done += by;
      if (now() - told < lineEveryMs) return;
      told = now();
      write(`${done} of ${total} samples (${Math.floor((100 * done) / total)} %)`);
    },
    stop() {},
  };
}

/** A table without lines between the rows. */
export function table(head: readonly string[], rows: ReadonlyArray<ReadonlyArray<string | number>>): string {
  const drawn = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  // A line feed in a name would make a row that is not one.
  drawn.push(...rows.map((row) => row.map((cell) => printable(String(cell)).replaceAll("\n", escaped))));
  return drawn.toString();
}

/** `RecordsService/ReadSeries` of the full name. */
export function methodText(method: string): string {
  return method.replace(/^wellapi\.(\w+\.)*v\d+\./, "");
}

/** A timestamp as RFC 3339 in UTC; empty where there is none. */
export function timeText(time: Timestamp | undefined): string {
  return time ? new Date(timestampMs(time)).toISOString() : "";
}
