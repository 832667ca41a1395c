import { setTimeout as wait } from "node:timers/promises";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { CodeReleaseService } from "@wellapi/gen/wellapi/codes/v1/code_release_service_pb";
import {
  type CodeRelease,
  CodeRelease_Kind,
  CodeRelease_State,
  CodeReleaseSchema,
} from "@wellapi/gen/wellapi/codes/v1/codes_pb";
import type { Command } from "commander";
import { connect } from "../connection.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";
import { openReleaseFile } from "../terminology-files/open-release-file.ts";
import type { FileConcept, ReleaseFile } from "../terminology-files/release-file.ts";

type Releases = Client<typeof CodeReleaseService>;

/** So many concepts a call, and so often it is made again while the exchange is not to be reached. */
const atOnce = 500;
const attempts = 5;

export function addTerminology(program: Command, io: Io): void {
  const group = program
    .command("terminology")
    .description(
      "releases of code systems and value sets that this installation has a licence of its own for",
    );
  addConnectionOptions(group.command("load <file>"), io)
    .description(
      "load a CodeSystem or ValueSet of FHIR (.json), LOINC's table, or SNOMED CT's snapshot; what was cut off goes on",
    )
    .option("--release <version>", "its version, where the file does not say it")
    .addHelpText("after", "\nExample: wellapi terminology load LoincTable/Loinc.csv --release 2.81")
    .action(async (file: string, { release: version }: { release?: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const releases = createClient(CodeReleaseService, await connect(settings));
      const opened = await openReleaseFile(file, version === undefined ? {} : { version });
      print(createOutput(io, settings.json), [await load(releases, opened, createOutput(io, settings.json))]);
    });
  addConnectionOptions(group.command("list"), io)
    .description("list what is loaded, and what is loading")
    .addHelpText("after", "\nExample: wellapi terminology list --json")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const releases = createClient(CodeReleaseService, await connect(settings));
      print(createOutput(io, settings.json), (await releases.listCodeReleases({})).releases);
    });
  addConnectionOptions(group.command("delete <release>"), io)
    .description("delete a release with its codes; it answers nobody any more at once")
    .addHelpText("after", "\nExample: wellapi terminology delete rel_...")
    .action(async (release: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const releases = createClient(CodeReleaseService, await connect(settings));
      await again(() => releases.deleteCodeRelease({ release }));
      createOutput(io, settings.json).object({ release }, () => `${release} is deleted`);
    });
}

/** Goes on where an earlier call stopped: a release tells how many concepts it has. */
async function load(releases: Releases, file: ReleaseFile, output: Output): Promise<CodeRelease> {
  const kind = file.kind === "value_set" ? CodeRelease_Kind.VALUE_SET : CodeRelease_Kind.CODE_SYSTEM;
  const { url, version, title } = file;
  const asked = { kind, url, version, title };
  const { id: release, concepts: before } = (
    await again(() => releases.createCodeRelease({ release: asked }))
  ).release!;
  if (before > 0n) output.note(`${before} concepts are there from before; going on`);
  let sent = 0n;
  for await (const concepts of batchesOf(file.concepts())) {
    const offset = sent;
    sent += BigInt(concepts.length);
    if (sent <= before) continue;
    await again(() => releases.addConcepts({ release, offset, concepts }));
    if (sent % 10_000n === 0n) output.note(`${sent} concepts`);
  }
  if (sent === 0n) throw new CliError("input", "the file has no codes");
  if (sent < before) {
    throw new CliError(
      "input",
      "the file has fewer codes than were loaded of it: delete the release, and load it anew",
    );
  }
  return (await again(() => releases.activateCodeRelease({ release, concepts: sent }))).release!;
}

async function* batchesOf(concepts: AsyncIterable<FileConcept>): AsyncGenerator<FileConcept[]> {
  let batch: FileConcept[] = [];
  for await (const concept of concepts) {
    batch.push(concept);
    if (batch.length < atOnce) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Each of these calls may be made again: the second one changes nothing more. */
async function again<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const passing = ConnectError.from(error).code === Code.Unavailable;
      if (!passing || attempt === attempts) throw error;
      await wait(200 * 2 ** attempt);
    }
  }
}

function print(output: Output, releases: readonly CodeRelease[]): void {
  output.rows(
    CodeReleaseSchema,
    releases,
    ["release", "of", "version", "state", "concepts", "activated"],
    ({ id, url, version, state, concepts, activateTime }) => [
      id,
      url,
      version,
      CodeRelease_State[state]!.toLowerCase(),
      String(concepts),
      timeText(activateTime),
    ],
  );
}
