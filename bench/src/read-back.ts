import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type * as grpc from "@grpc/grpc-js";
import {
  ListObservationsRequestSchema,
  ListObservationsResponseSchema,
  ReadSeriesRequestSchema,
  ReadSeriesResponseSchema,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import type { Series } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { addSample, type Checksum, emptyChecksum, equalChecksums } from "./checksum.ts";
import { heartRate, type Shape } from "./input.ts";
import { openRawClient, rawRead, rawUnary, type Target } from "./raw-client.ts";
import { assertRun } from "./result.ts";

export const readSeriesPath = "/wellapi.records.v1.RecordsService/ReadSeries";
export const watchPath = "/wellapi.records.v1.RecordsService/WatchSeries";
export const listObservationsPath = "/wellapi.records.v1.RecordsService/ListObservations";

export function readSeriesRequest(patient: string): Uint8Array {
  const request = { patient, code: { code: heartRate }, purpose: Purpose.TREATMENT };
  return toBinary(ReadSeriesRequestSchema, create(ReadSeriesRequestSchema, request));
}

/** Adds the samples of a run. */
export function addSeries(checksum: Checksum, { times, values }: Series): void {
  assertRun(times?.start.case === "startTime" && values.case === "decimals", "a run has times and decimals");
  const { mantissas } = values.value;
  const { spacing } = times;
  let time = timestampMs(times.start.value);
  for (const [i, mantissa] of mantissas.entries()) {
    if (i > 0) time += spacing.case === "periodMs" ? spacing.value : (spacing.value?.gapsMs[i - 1] ?? 0);
    addSample(checksum, time, mantissa);
  }
}

async function readSeries(client: grpc.Client, patient: string): Promise<Checksum> {
  const checksum = emptyChecksum();
  let ended = false;
  for await (const bytes of rawRead(client, readSeriesPath, readSeriesRequest(patient))) {
    const { payload } = fromBinary(ReadSeriesResponseSchema, bytes as Buffer);
    if (payload.case === "series") addSeries(checksum, payload.value.series!);
    if (payload.case === "end") ended = Number(payload.value.samples) === checksum.samples;
  }
  assertRun(ended, "a read ends with its count of samples");
  return checksum;
}

async function readObservations(client: grpc.Client, patient: string): Promise<Checksum> {
  const checksum = emptyChecksum();
  let pageToken = "";
  do {
    const request = {
      patient,
      code: { code: heartRate },
      purpose: Purpose.TREATMENT,
      pageSize: 1_000,
      pageToken,
    };
    const bytes = toBinary(ListObservationsRequestSchema, create(ListObservationsRequestSchema, request));
    const page = fromBinary(
      ListObservationsResponseSchema,
      await rawUnary(client, listObservationsPath, bytes),
    );
    for (const { observation } of page.observations) {
      assertRun(
        observation?.effective.case === "effectiveTime" && observation.value.case === "quantity",
        "an observation has an instant and a quantity",
      );
      addSample(checksum, timestampMs(observation.effective.value), Number(observation.value.value.value));
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return checksum;
}

/** Reads all of each patient and compares. Throws where a sample is missing, doubled or another one. */
export async function assertReadBack(
  target: Target,
  shape: Shape,
  expected: ReadonlyMap<string, Checksum>,
): Promise<void> {
  const client = openRawClient(target);
  try {
    const read = shape === "observations" ? readObservations : readSeries;
    for (const [patient, checksum] of expected) {
      const found = await read(client, patient);
      assertRun(
        equalChecksums(found, checksum),
        `after a restart ${found.samples} samples read back of ${checksum.samples} acknowledged`,
      );
    }
  } finally {
    client.close();
  }
}
