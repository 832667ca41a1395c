import { createClient, type Transport } from "@connectrpc/connect";
import { uploadSeries } from "@wellapi/client";
import { ItemOutcome_Status, type SeriesBatch } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { createPerson } from "@wellapi/sandbox-people";
import { batchOf, type Range, samplesIn, windowsOf } from "@wellapi/sandbox-people/filling";
import { CliError } from "../failure.ts";
import type { SandboxFolder } from "./state.ts";

export interface Sent {
  /** Samples that are stored now, and those that were stored before. */
  readonly accepted: number;
  readonly duplicate: number;
}

/**
 * Sends what the people's devices measured in the range, by the devices' organization. Interrupted and called again for what the
 * state says is under way, it sends the same batches. Throws CliError `input` where the exchange refuses any.
 */
export async function sendReadings(devices: Transport, folder: SandboxFolder, range: Range): Promise<Sent> {
  folder.save({ sending: range });
  const sent = { accepted: 0, duplicate: 0 };
  const problems = new Set<string>();
  await uploadSeries(createClient(IngestionService, devices), batchesIn(folder, range), {
    onAnswer(batch, answer) {
      if ("failure" in answer) {
        problems.add(`${answer.failure.reason}: ${answer.failure.message}`);
        return;
      }
      answer.receipt.items.forEach(({ status, violations }, i) => {
        const samples = samplesIn(batch, i);
        if (status === ItemOutcome_Status.ACCEPTED) sent.accepted += samples;
        else if (status === ItemOutcome_Status.DUPLICATE) sent.duplicate += samples;
        else for (const { field, description } of violations) problems.add(`${field}: ${description}`);
      });
    },
  });
  if (problems.size > 0) throw new CliError("input", [...problems].slice(0, 10).join("\n"));
  folder.save({ sending: undefined, sentToMs: range.toMs });
  return sent;
}

/** Person by person, as each one's devices would send. */
async function* batchesIn(folder: SandboxFolder, range: Range): AsyncGenerator<SeriesBatch> {
  const { names, people, seed } = folder.state();
  for (const name of names) {
    const person = people?.[name];
    if (person === undefined || person.erased) continue;
    for (const window of windowsOf(range)) {
      const batch = batchOf(createPerson(name, seed), person.atDevices, window);
      if (batch !== undefined) yield batch;
    }
  }
}
