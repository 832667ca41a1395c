import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { enrolCompany, enrolPerson } from "@wellapi/demo/people";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import {
  AggregateSeriesRequestSchema,
  QuerySeriesRequestSchema,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { GrpcUnaryLoad } from "../../load/grpc-unary.ts";
import type { LoudCall, LoudLoad } from "../../load/loud.ts";
import { closing } from "../closing.ts";
import { beginning, heartRate } from "../input.ts";
import { startProgram } from "../program.ts";
import type { Target } from "../raw-client.ts";
import type { Line, Result, Size } from "../result.ts";
import { compare, type Measurement } from "../runner.ts";
import { compactSoon, settled } from "../settled.ts";
import { fill } from "../stream-line.ts";
import { openWorld, type World } from "../world.ts";

const createPath = "/wellapi.ingestion.v1.IngestionService/CreateObservations";
const records = "/wellapi.records.v1.RecordsService";
const yearMessages = 526;
/** Of the one loud client. */
const inFlight = 10;
/** The neighbour asks one call after another, with pauses: it wants little, and wants it soon. */
const pauseMs = 5;
const worstRatio = 2;

interface Loud {
  readonly name: string;
  readonly call: LoudCall;
  readonly succeeds: boolean;
}

/** What one client does, which is permitted to do it, or is not. */
async function loudCalls({ server, target, patients }: World): Promise<readonly Loud[]> {
  const patient = patients[0]!.atMaker;
  const common = { code: { code: heartRate }, purpose: Purpose.TREATMENT };
  const interval = {
    startTime: timestampFromMs(beginning),
    endTime: timestampFromMs(beginning + yearMessages * 1_000 * 60_000),
  };
  const aggregate = create(AggregateSeriesRequestSchema, {
    ...common,
    patient,
    interval,
    bucketSize: BucketSize.DAY,
    digits: 1,
  });
  const query = (of: string) =>
    toBinary(
      QuerySeriesRequestSchema,
      create(QuerySeriesRequestSchema, { ...common, patient: of, interval }),
    );
  const grpc = (path: string, request: Uint8Array): LoudCall => ({ door: "grpc", target, path, request });
  const http = (path: string, headers: Readonly<Record<string, string>>, body: object): LoudCall => ({
    door: "http",
    url: `${server.http}/${path}`,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return [
    {
      name: "aggregates",
      call: grpc(`${records}/AggregateSeries`, toBinary(AggregateSeriesRequestSchema, aggregate)),
      succeeds: true,
    },
    {
      name: "bad API keys",
      call: http(
        "wellapi.records.v1.RecordsService/QuerySeries",
        { authorization: `Bearer wellapi_sk_${"a".repeat(43)}` },
        { patient },
      ),
      succeeds: false,
    },
    {
      name: "denied reads",
      call: grpc(`${records}/QuerySeries`, query(`${patient.slice(0, -4)}aaaa`)),
      succeeds: false,
    },
    { name: "queries", call: grpc(`${records}/QuerySeries`, query(patient)), succeeds: true },
    {
      name: "consistency proofs",
      call: http("wellapi.audit.v1.AuditService/GetConsistencyProof", {}, await proofOf(server.http)),
      succeeds: true,
    },
  ];
}

async function proofOf(url: string): Promise<object> {
  const answer = await fetch(`${url}/${AuditService.typeName}/GetCheckpoint`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  const { checkpoint } = (await answer.json()) as { checkpoint: string };
  const size = Number(checkpoint.split("\n")[1]); // of a C2SP checkpoint
  return { firstSize: String(Math.floor(size / 2) + 1), secondSize: String(size) };
}

/** A company with one patient who lets it contribute. */
async function neighbourAt({
  server,
}: World): Promise<{ readonly target: Target; readonly patient: string }> {
  const company = await enrolCompany(server, "Neighbour");
  const person = await enrolPerson(server, "Neighbour's patient");
  await createClient(ConsentService, person.transport).createConsent({
    requestId: "neighbour",
    consent: {
      grantee: company.organization,
      provisions: [
        {
          effect: Provision_Effect.PERMIT,
          directions: [Direction.CONTRIBUTE],
          categories: [{ name: "heart" }],
        },
      ],
    },
  });
  const { consents } = await createClient(ConsentService, company.transport).listConsents({});
  return {
    target: { address: new URL(server.grpc).host, tls: company.certificate },
    patient: consents[0]!.patient,
  };
}

export const neighbours: Line = {
  name: "P14",
  title: "a neighbour's small writes beside one loud client with ten calls at a time",
  run: (size) =>
    closing(async (push) => {
      const world = await openWorld({ patients: 1, env: compactSoon }, push);
      await fill(world, {
        name: "p14",
        patients: [world.patients[0]!.atMaker],
        shape: "minutes",
        samplesPerMessage: 1_000,
        messages: yearMessages,
      });
      await settled(world);
      const { target, patient } = await neighbourAt(world);
      const quiet = startProgram<GrpcUnaryLoad>("load/grpc-unary.ts");
      push(quiet.stop);
      const loud = startProgram<LoudLoad>("load/loud.ts");
      push(loud.stop);
      await quiet.call("describe", { name: "p14-n", patients: [patient] });
      const calls = size.quick ? 200 : 400;
      const ask = async (): Promise<Measurement> => {
        await quiet.call("prepare", calls);
        const order = { target, path: createPath, inFlight: 1, check: { kind: "receipt" as const }, pauseMs };
        const { p50Ms, p99Ms } = await quiet.call("send", order);
        return { value: p99Ms, details: { p50Ms } };
      };
      await ask();
      const results: Result[] = [];
      for (const one of await loudCalls(world)) {
        let first = true;
        const beside = async (): Promise<Measurement> => {
          const started = performance.now();
          await loud.call("start", { call: one.call, inFlight, ...(first && { succeeds: one.succeeds }) });
          first = false;
          const { value, details } = await ask();
          const outcomes = await loud.call("stop", undefined as never);
          const seconds = (performance.now() - started) / 1_000;
          const done = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
          return { value, details: { ...details, "loud calls/s": done / seconds } };
        };
        results.push(await resultOf(one.name, size, beside, ask, world.toggleProfile));
        // Windows of budgets that the loud client has used up end before the next one begins.
        await new Promise((resolve) => setTimeout(resolve, 10_500));
      }
      return results;
    }),
};

async function resultOf(
  name: string,
  size: Size,
  beside: () => Promise<Measurement>,
  alone: () => Promise<Measurement>,
  mark: () => void,
): Promise<Result> {
  const { value, bound, ratio, spread, details, boundDetails } = await compare(size, beside, alone, mark);
  return {
    id: `P14 ${name}`,
    value,
    unit: "ms (p99)",
    bound,
    ratio,
    spread,
    goal: `the neighbour's p99 at most ${worstRatio} times what it is alone`,
    met: ratio <= worstRatio,
    details: {
      "p50 ms": details.p50Ms!,
      "alone p50 ms": boundDetails.p50Ms!,
      "loud calls/s": details["loud calls/s"]!,
    },
  };
}
