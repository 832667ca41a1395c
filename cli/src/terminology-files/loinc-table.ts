import { createReadStream } from "node:fs";
import { parse } from "csv-parse";
import { CliError } from "../failure.ts";
import {
  type FileConcept,
  notRead,
  type ReleaseFile,
  type ReleaseOptions,
  versionOf,
} from "./release-file.ts";

const system = "http://loinc.org";
const columns = ["LOINC_NUM", "LONG_COMMON_NAME", "STATUS"];

/** LOINC's table as its release has it (LoincTable/Loinc.csv), a line at a time. */
export function openLoincTable(path: string, options: ReleaseOptions): ReleaseFile {
  const version = versionOf(undefined, options);
  return { kind: "code_system", url: system, version, title: "LOINC", concepts: () => conceptsOf(path) };
}

async function* conceptsOf(path: string): AsyncGenerator<FileConcept> {
  try {
    const parser = createReadStream(path)
      .on("error", (error) => parser.destroy(error))
      .pipe(parse({ columns: (head: string[]) => checked(path, head), bom: true, skip_empty_lines: true }));
    for await (const row of parser as AsyncIterable<Record<string, string>>) {
      const { LOINC_NUM: code = "", LONG_COMMON_NAME: display = "", STATUS: status } = row;
      yield { system, code, display, inactive: status === "DEPRECATED" };
    }
  } catch (cause) {
    throw notRead(path, cause);
  }
}

function checked(path: string, head: string[]): string[] {
  const missing = columns.filter((one) => !head.includes(one));
  if (missing.length === 0) return head;
  throw new CliError("input", `${path} is not LOINC's table: it has no column ${missing.join(", ")}`);
}
