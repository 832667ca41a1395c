import { createReadStream } from "node:fs";
import type { Command } from "commander";
import { secretOf } from "../connection.ts";
import { CliError } from "../failure.ts";
import { askSurface } from "../http-refusal.ts";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

/** Of one request: half of what the server takes. The pieces of a file are always the same, so that they can be sent again. */
const pieceBytes = 4_194_304;
const pieceLines = 1_000;
const namedProblems = 100;

interface Outcome {
  readonly id: string;
  readonly issue: readonly {
    readonly severity: string;
    readonly details: { readonly text: string; readonly coding: readonly { readonly code: string }[] };
    readonly expression?: readonly string[];
  }[];
}

export function addImport(program: Command, io: Io): void {
  addConnectionOptions(program.command("import <file>"), io)
    .description(
      "store FHIR resources of many patients from a file of NDJSON; sent again, what is stored is not repeated",
    )
    .addHelpText("after", "\nExample: wellapi import conditions.ndjson --api-key-file ./key")
    .action(async (file: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const output = createOutput(io, settings.json);
      const headers = {
        authorization: `Bearer ${await secretOf(settings)}`,
        "content-type": "application/fhir+ndjson",
      };
      const tally = { stored: 0, duplicate: 0, refused: 0 };
      const problems: string[] = [];
      for await (const { bytes, before } of piecesOf(file)) {
        const answer = await askSurface(`${settings.url}/fhir/R4/$import`, {
          method: "POST",
          headers,
          body: bytes,
        });
        for (const line of (await answer.text()).trimEnd().split("\n")) {
          if (line !== "") count(JSON.parse(line) as Outcome, before, tally, problems);
        }
      }
      output.object({ ...tally, problems }, () => {
        return `${tally.stored} stored, ${tally.duplicate} were stored before, ${tally.refused} refused`;
      });
      if (problems.length > 0) throw new CliError("input", problems.slice(0, 10).join("\n"));
    });
}

function count(
  { id, issue: [first] }: Outcome,
  before: number,
  tally: { stored: number; duplicate: number; refused: number },
  problems: string[],
): void {
  const reason = first!.details.coding[0]?.code ?? "";
  if (first!.severity !== "error") {
    if (reason === "DUPLICATE") tally.duplicate++;
    else tally.stored++;
    return;
  }
  tally.refused++;
  if (problems.length === namedProblems) return;
  const place = first!.expression?.[0] ?? "";
  problems.push(
    `line ${before + Number(id.replace("line-", ""))}: ${reason} ${place} ${first!.details.text}`,
  );
}

interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Lines of the file before it. */
  readonly before: number;
}

/** Whole lines, as many as fit; a longer line is a piece of its own. */
async function* piecesOf(file: string): AsyncGenerator<Piece> {
  let waiting: Buffer[] = [];
  let [length, lines, before] = [0, 0, 0];
  const take = (): Piece => {
    const piece = { bytes: new Uint8Array(Buffer.concat(waiting)), before };
    before += lines;
    waiting = [];
    length = lines = 0;
    return piece;
  };
  for await (const line of linesOf(file)) {
    if (lines > 0 && (length + line.length > pieceBytes || lines === pieceLines)) yield take();
    waiting.push(line);
    length += line.length;
    lines++;
  }
  if (lines > 0) yield take();
}

/** Lines with their ends, as bytes. */
async function* linesOf(file: string): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(file)) {
      let bytes = chunk as Buffer;
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10)) {
        yield Buffer.concat([...rest, bytes.subarray(0, at + 1)]);
        rest = [];
        bytes = bytes.subarray(at + 1);
      }
      if (bytes.length > 0) rest.push(bytes);
    }
  } catch (cause) {
    throw new CliError("usage", `cannot read ${file}: name a file that exists and that you may read`, {
      cause,
    });
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}
