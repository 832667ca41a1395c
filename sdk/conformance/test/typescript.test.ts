/** The TypeScript library against every scenario. */
import { type DescMethodUnary, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import {
  ClientError,
  Code,
  type Connection,
  connect,
  createClient,
  type Deprecation,
  querySeries,
  readSeries,
  samplesOf,
  uploadSeries,
  WellApiError,
  watchSeries,
} from "@wellapi/client";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import {
  QuerySeriesRequestSchema,
  ReadSeriesRequestSchema,
  RecordsService,
  WatchSeriesRequestSchema,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { describe, expect, test } from "vitest";
import { type Json, readScenarios, type Task } from "../src/scenario.ts";
import { openScriptedServer } from "../src/scripted-server.ts";

type Result = Record<string, Json>;

function problemOf(caught: unknown): Json {
  if (caught instanceof ClientError) return { code: caught.code };
  const { code, reason, rawMessage, retryAfterMs, transient, violations } = WellApiError.from(caught);
  return {
    code: Code[code]!.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase(),
    reason,
    message: rawMessage,
    transient,
    violations: violations.map((one) => ({ ...one })),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

async function upload(connection: Connection, task: Task & { do: "upload" }): Promise<Result> {
  const answers: Json[] = [];
  const cuts: Json[] = [];
  const stored = new Set(task.stored);
  const batches = async function* () {
    for (const requestId of task.batches) yield fromJson(SeriesBatchSchema, { requestId });
  };
  const error = await uploadSeries(createClient(IngestionService, connection), batches(), {
    ...(task.window === undefined ? {} : { window: task.window }),
    ...(task.attempts === undefined ? {} : { attempts: task.attempts }),
    ...(task.stored === undefined ? {} : { progress: stored }),
    onCut: (cut) => void cuts.push(problemOf(cut)),
    onAnswer({ requestId }, answer) {
      if ("failure" in answer) {
        answers.push({ requestId, error: problemOf(WellApiError.ofFailure(answer.failure)) });
      } else {
        const { batch, items } = answer.receipt;
        answers.push({ requestId, batch, statuses: items.map(({ status }) => status) });
      }
    },
  }).then(() => null, problemOf);
  return { answers, cuts, error, stored: [...stored] };
}

async function read(connection: Connection, task: Task & { do: "read" | "query" }): Promise<Result> {
  const records = createClient(RecordsService, connection);
  const request = task.request as JsonValue;
  const runs =
    task.do === "read"
      ? readSeries(records, fromJson(ReadSeriesRequestSchema, request))
      : querySeries(records, fromJson(QuerySeriesRequestSchema, request));
  const samples: Json[] = [];
  try {
    for await (const run of runs) samples.push(...samplesOf(run).map((one) => ({ ...one })));
  } catch (caught) {
    return { samples, error: problemOf(caught) };
  }
  return { samples };
}

async function watch(connection: Connection, task: Task & { do: "watch" }): Promise<Result> {
  const tokens: Json[] = [];
  const cuts: Json[] = [];
  const { resumeToken, ...request } = fromJson(WatchSeriesRequestSchema, task.request as JsonValue);
  const messages = watchSeries(createClient(RecordsService, connection), request, {
    resumeToken,
    onCut: (cut) => void cuts.push(problemOf(cut)),
  });
  try {
    for await (const message of messages) {
      tokens.push(message.resumeToken);
      if (tokens.length === task.messages) break;
    }
  } catch (caught) {
    return { tokens, cuts, error: problemOf(caught) };
  }
  return { tokens, cuts };
}

async function call(connection: Connection, task: Task & { do: "call" }): Promise<Result> {
  const method = ConsentService.methods.find(({ name }) => task.rpc.endsWith(`/${name}`));
  const unary = method as DescMethodUnary;
  const request = fromJson(unary.input, task.request as JsonValue);
  try {
    const { message } = await connection.unary(unary, undefined, undefined, undefined, request);
    return { answer: toJson(unary.output, message) as Json };
  } catch (caught) {
    return { error: problemOf(caught) };
  }
}

function perform(connection: Connection, task: Task): Promise<Result> {
  if (task.do === "upload") return upload(connection, task);
  if (task.do === "watch") return watch(connection, task);
  if (task.do === "call") return call(connection, task);
  return read(connection, task);
}

// Most of their time is waiting between attempts: side by side, each with a server of its own.
describe.concurrent("the TypeScript library", () => {
  const cases = readScenarios()
    .filter(({ needs }) => needs !== "uploads by call") // It uploads over the door alone.
    .flatMap((scenario) => scenario.over.map((over) => ({ scenario, over })));
  test.each(cases)("$scenario.name over the $over", async ({ scenario, over }) => {
    const server = await openScriptedServer();
    const deprecations: Json[] = [];
    const onDeprecation = ({ name, instead, sunset }: Deprecation) =>
      void deprecations.push({ name, instead: instead ?? null, sunset: sunset.toISOString().slice(0, 10) });
    const retries = { attempts: scenario.client.do === "call" ? scenario.client.attempts : 1 };
    const connection =
      over === "door"
        ? connect({ url: server.door, certificate: server.certificate, retries, onDeprecation })
        : connect({ url: server.gateway, apiKey: "wellapi_sk_conformance", retries, onDeprecation });
    try {
      server.begin(scenario);
      const result = await perform(connection, scenario.client);
      expect(server.end({ ...result, deprecations }), scenario.holds).toEqual([]);
    } finally {
      connection.close();
      await server.close();
    }
  });
});
