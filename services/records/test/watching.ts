import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { WatchSeriesRequestSchema } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { queryDigest } from "@wellapi/rpc";
import type { TestApplication, TestPatient, World } from "./world.ts";

interface Scene {
  readonly world: World;
  readonly clinic: TestApplication;
  readonly patient: TestPatient;
}

/** The token from which the clinic's watch goes on behind a commit: a test does not wait for the message that has it. */
export function resumeTokenAfter(
  { world, clinic }: Scene,
  request: MessageInitShape<typeof WatchSeriesRequestSchema>,
  sequence: number,
): string {
  const position = Buffer.alloc(8);
  position.writeDoubleBE(sequence);
  const query = {
    caller: world.callerOf(clinic, "door"),
    method: "wellapi.records.v1.RecordsService/WatchSeries",
    digest: queryDigest(WatchSeriesRequestSchema, create(WatchSeriesRequestSchema, request)),
    field: "resume_token" as const,
  };
  return world.pageTokens.seal(query, position);
}

/** Commit sequences up to `last` by the clinic's tokens of their batches. */
export async function sequencesByBatch({ world, clinic, patient }: Scene, last: number) {
  const sequences = new Map<string, number>();
  for (let sequence = 1; sequence <= last; sequence++) {
    sequences.set(await world.batchFor(clinic, patient, sequence), sequence);
  }
  return sequences;
}
