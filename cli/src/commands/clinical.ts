import { createClient } from "@connectrpc/connect";
import {
  clinicalBatchesOf,
  listClinicalRecords,
  listClinicalRecordVersions,
  uploadClinicalRecords,
} from "@wellapi/client";
import {
  type ClinicalOutcome,
  ClinicalOutcome_Status,
  ClinicalOutcomeSchema,
  type ClinicalRecord,
  ClinicalRecordSchema,
} from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Command } from "commander";
import { codingOf, count, instant, interval, purposes, several, wordOption } from "../arguments.ts";
import { connect, connectDoor } from "../connection.ts";
import { CliError } from "../failure.ts";
import { fileText } from "../file-text.ts";
import type { Io } from "../io.ts";
import { readLines } from "../ndjson.ts";
import { createOutput, type Output, timeText } from "../output.ts";
import { addConnectionOptions, type Settings, settingsOf } from "../settings.ts";

export function addClinical(program: Command, io: Io): void {
  const clinical = program
    .command("clinical")
    .description("clinical records: FHIR R4 resources of a patient, kept whole");
  addPut(clinical, io);
  addDelete(clinical, io);
  addGet(clinical, io);
  addHistory(clinical, io);
  addList(clinical, io);
  addLoad(clinical, io);
}

function addPatientOption(command: Command, io: Io): Command {
  return addConnectionOptions(command, io).requiredOption(
    "--patient <id>",
    "the patient, by the caller's own id",
  );
}

function addPurposeOption(command: Command): Command {
  return command.addOption(
    wordOption("--purpose <word>", "why (default: patient-request for patients, else treatment)", purposes),
  );
}

function purposeOf(purpose: Purpose | undefined, { asPatient, token }: Settings): Purpose {
  return purpose ?? (asPatient || token ? Purpose.PATIENT_REQUEST : Purpose.TREATMENT);
}

async function clientOf(settings: Settings) {
  return createClient(ClinicalRecordsService, await connect(settings));
}

interface PutOptions {
  patient: string;
  record?: string;
  etag?: string;
  requestId?: string;
  ifNoneExist?: string;
}

function addPut(clinical: Command, io: Io): void {
  addPatientOption(clinical.command("put <file>"), io)
    .description("store a resource from a file of JSON, or replace a record with it")
    .option("--record <id>", "replace this record")
    .option("--etag <etag>", "with --record: only if the record has this etag")
    .option("--request-id <id>", "sent again under it, the resource is stored once")
    .option("--if-none-exist <system|value>", "store nothing where a record of yours has this identifier")
    .addHelpText(
      "after",
      "\nExample: wellapi clinical put condition.json --credentials ./clinic --patient pat_...",
    )
    .action(async (file: string, options: PutOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const { patient, requestId = "", record, etag = "", ifNoneExist } = options;
      if (record === undefined && etag !== "") throw new CliError("usage", "--etag is for --record");
      const resource = fileText(file);
      const write =
        record === undefined
          ? ({
              case: "create",
              value: { resource, ...(ifNoneExist && { ifNoneExist: identifierOf(ifNoneExist) }) },
            } as const)
          : ({ case: "update", value: { record, etag, resource } } as const);
      const { outcome } = await (await clientOf(settings)).putClinicalRecord({ patient, requestId, write });
      printOutcome(createOutput(io, settings.json), outcome!);
    });
}

function addDelete(clinical: Command, io: Io): void {
  addPatientOption(clinical.command("delete <record>"), io)
    .description("delete a record of one's own: no reader gets it any more")
    .option("--etag <etag>", "only if the record has this etag")
    .addHelpText(
      "after",
      "\nExample: wellapi clinical delete rec_... --credentials ./clinic --patient pat_...",
    )
    .action(async (record: string, { patient, etag = "" }: PutOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const request = { patient, delete: { record, etag } };
      const { outcome } = await (await clientOf(settings)).deleteClinicalRecord(request);
      printOutcome(createOutput(io, settings.json), outcome!);
    });
}

function addGet(clinical: Command, io: Io): void {
  addPurposeOption(addPatientOption(clinical.command("get <record>"), io))
    .description("print a record as FHIR JSON; with --json what is known about it, too")
    .option("--record-version <n>", "one of its versions", count, 0)
    .addHelpText("after", "\nExample: wellapi clinical get rec_... --credentials ./clinic --patient pat_...")
    .action(
      async (
        record: string,
        options: { patient: string; recordVersion: number; purpose?: Purpose },
        command: Command,
      ) => {
        const settings = settingsOf(command, io);
        const answer = await (await clientOf(settings)).getClinicalRecord({
          patient: options.patient,
          record,
          version: options.recordVersion,
          purpose: purposeOf(options.purpose, settings),
        });
        const found = answer.record!;
        createOutput(io, settings.json).message(ClinicalRecordSchema, found, () => found.resource);
      },
    );
}

function addHistory(clinical: Command, io: Io): void {
  addPurposeOption(addPatientOption(clinical.command("history <record>"), io))
    .description("list the versions of a record, the newest first")
    .addHelpText(
      "after",
      "\nExample: wellapi clinical history rec_... --credentials ./clinic --patient pat_...",
    )
    .action(async (record: string, options: { patient: string; purpose?: Purpose }, command: Command) => {
      const settings = settingsOf(command, io);
      const request = { patient: options.patient, record, purpose: purposeOf(options.purpose, settings) };
      const versions = listClinicalRecordVersions(await clientOf(settings), request);
      printRecords(createOutput(io, settings.json), await Array.fromAsync(versions));
    });
}

interface ListOptions {
  patient: string;
  purpose?: Purpose;
  type?: string[];
  category?: string[];
  code?: { system: string; code: string }[];
  from?: number;
  to?: number;
  updatedFrom?: number;
  ndjson?: true;
}

function addList(clinical: Command, io: Io): void {
  addPurposeOption(addPatientOption(clinical.command("list"), io))
    .description("list records that one may read, the newest first")
    .option("--type <type>", "FHIR resource types, for example Condition", several(String))
    .option("--category <name>", "categories of consents, for example laboratory", several(String))
    .option("--code <code>", "what the record is about: a code, or <system>|<code>", several(codingOf))
    .option("--from <time>", "only what its date overlaps: first instant inside", instant)
    .option("--to <time>", "first instant outside", instant)
    .option("--updated-from <time>", "only what was changed since", instant)
    .option("--ndjson", "print the resources, one a line")
    .addHelpText(
      "after",
      "\nExample: wellapi clinical list --credentials ./clinic --patient pat_... --type Condition --ndjson",
    )
    .action(async (options: ListOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const { from, to, updatedFrom } = options;
      const records = listClinicalRecords(await clientOf(settings), {
        patient: options.patient,
        purpose: purposeOf(options.purpose, settings),
        types: options.type ?? [],
        categories: options.category ?? [],
        codes: options.code ?? [],
        ...(from === undefined && to === undefined ? {} : { interval: interval(from, to) }),
        ...(updatedFrom === undefined ? {} : { updated: interval(updatedFrom, undefined) }),
      });
      const output = createOutput(io, settings.json);
      if (!options.ndjson) return printRecords(output, await Array.fromAsync(records));
      for await (const { resource } of records) output.line(resource);
    });
}

function addLoad(clinical: Command, io: Io): void {
  addPatientOption(clinical.command("load <file>"), io)
    .description(
      "stream resources of one patient from a file of NDJSON; sent again, what is stored is not repeated",
    )
    .option("--batch <records>", "resources a message, up to 500", count, 100)
    .addHelpText(
      "after",
      "\nExample: wellapi clinical load conditions.ndjson --credentials ./clinic --patient pat_...",
    )
    .action(async (file: string, options: { patient: string; batch: number }, command: Command) => {
      const settings = settingsOf(command, io);
      if (options.batch < 1 || options.batch > 500) throw new CliError("usage", "--batch is 1 to 500");
      await load(file, options, settings, io);
    });
}

async function load(
  file: string,
  { patient, batch }: { readonly patient: string; readonly batch: number },
  settings: Settings,
  io: Io,
): Promise<void> {
  const client = createClient(ClinicalRecordsService, connectDoor(settings));
  const output = createOutput(io, settings.json);
  const tally = { stored: 0, duplicate: 0, rejected: 0, failed: 0 };
  const problems: string[] = [];
  const lines = new Map<string, readonly number[]>();
  const numbered = readLines(file);
  const batches = clinicalBatchesOf(numbered.texts(), { patient, recordsPerBatch: batch });
  await uploadClinicalRecords(client, noting(batches, lines, numbered.numbers), {
    onAnswer: ({ requestId, writes }, answer) => {
      if ("failure" in answer) {
        tally.failed += writes.length;
        problems.push(`${answer.failure.reason}: ${answer.failure.message}`);
        return;
      }
      answer.receipt.outcomes.forEach((outcome, i) => {
        if (outcome.status === ClinicalOutcome_Status.REJECTED) {
          tally.rejected++;
          const [first] = outcome.violations;
          problems.push(`line ${lines.get(requestId)![i]}: ${first!.field} ${first!.description}`);
        } else if (outcome.status === ClinicalOutcome_Status.DUPLICATE) tally.duplicate++;
        else tally.stored++;
      });
    },
    onCut: ({ message }, attempt) => output.note(`cut off (${message}); going on, attempt ${attempt}`),
  });
  output.object({ ...tally, problems: problems.slice(0, 100) }, () => {
    const { stored, duplicate, rejected, failed } = tally;
    return `${stored} stored, ${duplicate} were stored before, ${rejected} rejected, ${failed} failed`;
  });
  if (problems.length > 0) throw new CliError("input", problems.slice(0, 10).join("\n"));
}

/** Notes the lines that each batch has, for what is told of its items. */
async function* noting<B extends { readonly requestId: string; readonly writes: readonly unknown[] }>(
  batches: AsyncIterable<B>,
  lines: Map<string, readonly number[]>,
  numbers: readonly number[],
): AsyncGenerator<B> {
  let at = 0;
  for await (const batch of batches) {
    lines.set(batch.requestId, numbers.slice(at, at + batch.writes.length));
    at += batch.writes.length;
    yield batch;
  }
}

function printOutcome(output: Output, outcome: ClinicalOutcome): void {
  output.message(ClinicalOutcomeSchema, outcome, () => {
    const status = ClinicalOutcome_Status[outcome.status].toLowerCase();
    return `${outcome.record} ${status}, version ${outcome.version}, etag ${outcome.etag}`;
  });
}

function printRecords(output: Output, records: readonly ClinicalRecord[]): void {
  output.rows(
    ClinicalRecordSchema,
    records,
    ["record", "type", "version", "updated", "categories"],
    ({ id, resourceType, version, updateTime, categories, deleted }) => [
      id,
      resourceType,
      deleted ? `${version} (deleted)` : version,
      timeText(updateTime),
      categories.join(", "),
    ],
  );
}

/** `<system>|<value>`; without a system the value alone. */
function identifierOf(text: string): { system: string; value: string } {
  const bar = text.indexOf("|");
  return { system: text.slice(0, Math.max(0, bar)), value: text.slice(bar + 1) };
}
