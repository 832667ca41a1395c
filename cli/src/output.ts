import { type DescMessage, type MessageShape, toJson } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import Table from "cli-table3";

/** Prints results: JSON documents, one a line, or what people read. */
export interface Output {
  /** One message; `text` is what people read. */
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
  readonly json: boolean;
}

export function createOutput(json: boolean, stream: NodeJS.WritableStream = process.stdout): Output {
  const line = (text: string) => stream.write(`${text}\n`);
  return {
    json,
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

/** A table without lines between the rows. */
export function table(head: readonly string[], rows: ReadonlyArray<ReadonlyArray<string | number>>): string {
  const drawn = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  drawn.push(...rows.map((row) => row.map(String)));
  return drawn.toString();
}

/** A timestamp as RFC 3339 in UTC; empty where there is none. */
export function timeText(time: Timestamp | undefined): string {
  return time ? new Date(timestampMs(time)).toISOString() : "";
}
