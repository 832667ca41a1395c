import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { temporaryFolder } from "@wellapi/demo/server";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import {
  AggregateSeriesRequestSchema,
  AggregateSeriesResponseSchema,
  ListObservationsRequestSchema,
  ListObservationsResponseSchema,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { SealedReadBound } from "../../bounds/sealed-read.ts";
import type { GrpcUnaryLoad } from "../../load/grpc-unary.ts";
import { createTls } from "../certificates.ts";
import { closing } from "../closing.ts";
import { beginning, heartRate } from "../input.ts";
import { startProgram } from "../program.ts";
import { openRawClient, rawUnary, type Target } from "../raw-client.ts";
import { listObservationsPath } from "../read-back.ts";
import { assertRun, type Line, type Result } from "../result.ts";
import { type Comparison, compare } from "../runner.ts";
import { compactSoon, settled } from "../settled.ts";
import { fill } from "../stream-line.ts";
import { openWorld } from "../world.ts";

const aggregatePath = "/wellapi.records.v1.RecordsService/AggregateSeries";
const inFlight = 4;
const yearMessages = 526;
const worstP99Ms = 25;

/** So many that runs differ by few percent. */
const calls = 1_000;
/** About how long a quick repetition takes: it has as many calls as fit, one after another. */
const quickMs = 500;

interface Question {
  readonly name: string;
  readonly path: string;
  readonly request: Uint8Array;
  /** Throws unless the answer is whole. */
  check(answer: Uint8Array): void;
}

function questionsAbout(patient: string): readonly Question[] {
  const page = { patient, code: { code: heartRate }, purpose: Purpose.TREATMENT, pageSize: 50 };
  const interval = {
    startTime: timestampFromMs(beginning),
    endTime: timestampFromMs(beginning + yearMessages * 1_000 * 60_000),
  };
  const { pageSize: _, ...common } = page;
  const aggregate = { ...common, interval, bucketSize: BucketSize.DAY, digits: 1 };
  return [
    {
      name: "page of 50",
      path: listObservationsPath,
      request: toBinary(ListObservationsRequestSchema, create(ListObservationsRequestSchema, page)),
      check(answer) {
        const { observations } = fromBinary(ListObservationsResponseSchema, answer);
        assertRun(observations.length === 50, "a page has 50 observations");
      },
    },
    {
      name: "year by day",
      path: aggregatePath,
      request: toBinary(AggregateSeriesRequestSchema, create(AggregateSeriesRequestSchema, aggregate)),
      check(answer) {
        const { aggregates } = fromBinary(AggregateSeriesResponseSchema, answer);
        // The observations are in separate aggregates.
        const counted = aggregates.map(({ buckets }) => buckets.reduce((sum, { count }) => sum + count, 0));
        assertRun(counted.includes(yearMessages * 1_000), `the days add up to the year, not to ${counted}`);
      },
    },
  ];
}

export const pageAndAggregate: Line = {
  name: "P6",
  title: "a page of 50 observations, and a year by day, beside 10^4 to 10^6 records of others",
  run: (size) =>
    closing(async (push) => {
      const world = await openWorld({ patients: size.quick ? 5 : 33, env: compactSoon }, push);
      const [own, ...others] = world.patients.map(({ atMaker }) => atMaker);
      const mine = { name: "p6", patients: [own!] };
      await fill(world, { ...mine, shape: "minutes", samplesPerMessage: 1_000, messages: yearMessages });
      await fill(world, {
        ...mine,
        name: "p6-o",
        shape: "observations",
        samplesPerMessage: 100,
        messages: 10,
      });
      await settled(world);
      const load = startProgram<GrpcUnaryLoad>("load/grpc-unary.ts");
      push(load.stop);
      const tls = await createTls();
      const folder = temporaryFolder();
      push(folder.remove);

      const results: Result[] = [];
      let stored = 0;
      for (const level of size.quick ? [1e4] : [1e4, 1e5, 1e6]) {
        const messages = (level - stored) / 1_000;
        const more = { name: `p6-${level}`, patients: others, samplesPerMessage: 1_000, messages };
        await fill(world, { ...more, shape: "observations", portion: 200 });
        stored = level;
        for (const question of questionsAbout(own!)) {
          const bound = startProgram<SealedReadBound>("bounds/sealed-read.ts");
          push(bound.stop);
          const { answer, firstMs, milliseconds } = await answerTo(world.target, question);
          const count = size.quick ? Math.min(calls, Math.max(8, Math.round(quickMs / milliseconds))) : calls;
          const port = await bound.call("open", { tls, path: question.path, answer, folder: folder.path });
          const { request, path } = question;
          const check = { kind: "bytes" as const, least: Math.floor(answer.length * 0.9) };
          const send = async (target: Target) => {
            await load.call("prepareSame", { request, count });
            const order = { target, path, inFlight, check };
            const { perSecond, ...details } = await load.call("send", order);
            return { value: perSecond, details };
          };
          const bare = { address: `localhost:${port}`, tls };
          const comparison = await compare(
            size,
            () => send(world.target),
            () => send(bare),
            world.toggleProfile,
          );
          results.push(resultOf(`P6 ${question.name}, 10^${Math.log10(level)}`, comparison, firstMs));
          await bound.stop();
        }
      }
      return results;
    }),
};

/**
 * The answer, checked; the time of the first call at this level (of all levels at the first: hours stay opened), and of
 * a second.
 */
async function answerTo(target: Target, { path, request, check }: Question) {
  const client = openRawClient(target);
  try {
    const started = performance.now();
    const answer = await rawUnary(client, path, request);
    const firstMs = performance.now() - started;
    check(answer);
    const repeated = performance.now();
    await rawUnary(client, path, request);
    return { answer: new Uint8Array(answer), firstMs, milliseconds: performance.now() - repeated };
  } finally {
    client.close();
  }
}

function resultOf(
  id: string,
  { value, bound, ratio, spread, details, boundDetails }: Comparison,
  firstMs: number,
): Result {
  return {
    id,
    value,
    unit: "calls/s",
    bound,
    ratio,
    spread,
    goal: `p99 under ${worstP99Ms} ms and flat in what is stored; at least 0.3 of a bare sealed read with its fsync`,
    met: details.p99Ms! < worstP99Ms && ratio >= 0.3,
    details: {
      "p50 ms": details.p50Ms!,
      "p99 ms": details.p99Ms!,
      "bound p99 ms": boundDetails.p99Ms!,
      "first call ms": firstMs,
      "in flight": inFlight,
    },
  };
}
