import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { samplesOf } from "@wellapi/client";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";

export const heartRate = "8867-4";
export const weight = "29463-7";
/** When the data was captured, UTC milliseconds. */
export const T0 = Date.UTC(2026, 2, 1);
export const samples = 120;

/** The reader at each door, and at the FHIR surface. */
export interface Doors {
  readonly grpc: Transport;
  readonly gateway: Transport;
  readonly fhir: { readonly url: string; readonly apiKey: string };
}

/**
 * How many values a read got: 0 where it was refused, for a reason that belongs to consent; undefined where it was not answered, because
 * its connection ended or a busy machine took too long. Throws where it failed otherwise.
 */
export type Read = () => Promise<number | undefined>;

const purpose = Purpose.TREATMENT;
const interval = { startTime: timestampFromMs(T0), endTime: timestampFromMs(T0 + 86_400_000) };
/** UNDECIDED: a machine that is busy may lose its session with consent for a moment; nothing is released then. */
const refusals = new Set(["CONSENT_REQUIRED", "CONSENT_REVOKED", "CONSENT_CHANGED", "UNDECIDED"]);
/** The first is told by its own client: each of ours has a reason of its own. */
const noAnswers = new Set(["UNAVAILABLE", "DEADLINE_EXCEEDED"]);

export function readsOf({ grpc, gateway, fhir }: Doors, patient: string): Readonly<Record<string, Read>> {
  return {
    ...withDoor("gRPC", rpcReads(grpc, patient)),
    ...withDoor("HTTP", rpcReads(gateway, patient)),
    "FHIR search": () => fhirRead(fhir, patient),
  };
}

function withDoor(door: string, reads: Readonly<Record<string, Read>>): Record<string, Read> {
  return Object.fromEntries(
    Object.entries(reads).map(([name, read]) => [`${name}, ${door}`, () => refusedIsNone(read)]),
  );
}

function rpcReads(transport: Transport, patient: string): Record<string, Read> {
  const client = createClient(RecordsService, transport);
  const about = { patient, code: { code: heartRate }, purpose, interval };
  return {
    QuerySeries: async () => (await client.querySeries(about)).series.flatMap(samplesOf).length,
    AggregateSeries: async () => {
      const { aggregates } = await client.aggregateSeries({ ...about, bucketSize: BucketSize.HOUR });
      return aggregates.reduce((sum, { buckets }) => sum + buckets.length, 0);
    },
    ListObservations: async () => {
      const { observations } = await client.listObservations({ ...about, code: { code: weight } });
      return observations.length;
    },
    ListSeries: async () => (await client.listSeries({ patient, purpose })).series.length,
    ReadSeries: async () => {
      let values = 0;
      for await (const { payload } of client.readSeries(about)) if (payload.case === "series") values += 1;
      return values;
    },
  };
}

async function refusedIsNone(read: Read): Promise<number | undefined> {
  try {
    return await read();
  } catch (error) {
    const { reason } = problemOf(ConnectError.from(error));
    if (refusals.has(reason)) return 0;
    if (noAnswers.has(reason)) return undefined;
    throw error;
  }
}

async function fhirRead({ url, apiKey }: Doors["fhir"], patient: string): Promise<number | undefined> {
  const query = `patient=${patient.replace("_", "-")}&code=http://loinc.org|${weight}`;
  const answer = await fetch(`${url}/fhir/R4/Observation?${query}`, { headers: { "x-api-key": apiKey } });
  const body = (await answer.json()) as { readonly resourceType: string; readonly entry?: readonly Entry[] };
  if (answer.status === 403 || answer.status === 503) return 0;
  if (answer.status === 504) return undefined;
  if (answer.status !== 200) throw new Error(`FHIR answered ${answer.status}: ${JSON.stringify(body)}`);
  return (body.entry ?? []).filter(({ search }) => search?.mode === "match").length;
}

interface Entry {
  readonly search?: { readonly mode: string };
}
