import { type DescMessage, type JsonValue, type MessageShape, ScalarType, toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { BucketSize, MergeRule, SampleOrder } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Granularity, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { SLEEP_STAGE_SYSTEM } from "@wellapi/terminology";
import { describe, expect, it } from "vitest";
import { append, heartRates, openScene, queryInit } from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const HOUR = 3_600_000;

type Scene = Awaited<ReturnType<typeof openScene>>;

/** What is wrong with an answer as a client of JSON sees it. */
function faultsOf(value: JsonValue, path = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => faultsOf(item, `${path}[${i}]`));
  if (typeof value === "string") {
    const isTime = /Time$/.test(path);
    return isTime && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/.test(value) ? [`${path}: ${value}`] : [];
  }
  if (typeof value !== "object" || value === null) return [];
  const entries = Object.entries(value);
  if (entries.length === 0) return [`${path} is {}`];
  return entries.flatMap(([name, member]) => faultsOf(member, `${path}.${name}`));
}

/** Answers of each RPC that reads, as JSON. */
async function answersOf({ world, clinic, patient }: Scene): Promise<[string, JsonValue][]> {
  const reader = world.reader(clinic);
  const id = world.idFor(clinic, patient);
  const { method } = RecordsService;
  const answers: [string, JsonValue][] = [];
  const add = <S extends DescMessage>(
    { name, output }: { name: string; output: S },
    answer: MessageShape<S>,
  ) => answers.push([name, toJson(output, answer)]);
  const codes = ["8867-4", "29463-7", "85354-9", "sleep-stage"];
  for (const code of codes) {
    const query = queryInit(id, { code });
    for await (const message of reader.readSeries(query)) add(method.readSeries, message);
    add(method.querySeries, await reader.querySeries(query));
    const hours = { ...queryInit(id, { code, from: T0, to: T0 + 4 * HOUR }), bucketSize: BucketSize.HOUR };
    add(method.aggregateSeries, await reader.aggregateSeries(hours));
    const page = await reader.listObservations({ patient: id, purpose: query.purpose, code: query.code });
    add(method.listObservations, page);
    for (const { id: observation } of page.observations) {
      add(
        method.getObservation,
        await reader.getObservation({ patient: id, observation, purpose: query.purpose }),
      );
    }
  }
  const empty = queryInit(id, { code: "8867-4", from: T0 - HOUR, to: T0 });
  for await (const message of reader.readSeries(empty)) add(method.readSeries, message);
  add(method.querySeries, await reader.querySeries(empty));
  add(method.listSeries, await reader.listSeries({ patient: id, purpose: Purpose.TREATMENT }));
  const about = { patient: id, purpose: Purpose.TREATMENT };
  const samples = { ...about, codes: codes.map((code) => ({ code })), order: SampleOrder.NEWEST_DAY };
  const search = { ...about, observations: { ...about, codes: [{ code: "29463-7" }] }, series: samples };
  add(method.searchObservations, await world.fhirReader(clinic).searchObservations(search));
  const rule = MergeRule.DEVICE_PRIORITY_BY_MINUTE;
  for (const code of ["8867-4", "sleep-stage"]) {
    add(
      method.mergeSeries,
      await reader.mergeSeries({ ...queryInit(id, { code, from: T0, to: T0 + 4 * HOUR }), rule }),
    );
  }
  const [own, ownId] = [world.own(patient), world.ownId(patient)];
  add(method.getDevicePriority, await own.getDevicePriority({ patient: ownId }));
  const { series } = await own.listSeries({ patient: ownId, purpose: Purpose.PATIENT_REQUEST });
  const { organization, deviceId } = series.find(({ source }) => source!.deviceId !== "")!.source!;
  const devices = [{ organization, deviceId }];
  add(method.setDevicePriority, await own.setDevicePriority({ patient: ownId, devices }));
  return answers;
}

/** What a watch brings: its start, and a message for each that is sent. */
async function watched({ world, clinic, patient }: Scene, sends: readonly (() => Promise<unknown>)[]) {
  const request = {
    patient: world.idFor(clinic, patient),
    codes: [{ code: "8867-4" }],
    purpose: Purpose.TREATMENT,
  };
  const abort = new AbortController();
  const stream = world.reader(clinic).watchSeries(request, { signal: abort.signal })[Symbol.asyncIterator]();
  const messages = [(await stream.next()).value!];
  for (const send of sends) {
    await send();
    messages.push((await stream.next()).value!);
  }
  abort.abort();
  const { name, output } = RecordsService.method.watchSeries;
  return messages.map((message): [string, JsonValue] => [name, toJson(output, message)]);
}

describe("answers in JSON", () => {
  it("have no empty object, and times of RFC 3339, for every RPC that reads", async () => {
    const scene = await openScene();
    const { world, maker, patient } = scene;
    const column = (code: string) => ({
      code: { code },
      unit: "mm[Hg]",
      decimals: { mantissas: [120, 130] },
    });
    const bare = { code: { code: "29463-7" }, utcOffsetMinutes: 0 };
    const at = (time: number) => ({ case: "effectiveTime" as const, value: timestampFromMs(time) });
    let batch = "";
    const live = await watched(scene, [
      async () => {
        ({ batch } = await append(scene, "r0", [{ ...heartRates(T0, [70]), device: undefined }]));
      },
      () =>
        world.writer(maker).retractBatch({
          retraction: {
            patient: world.idFor(maker, patient),
            target: { case: "batch", value: batch },
            reason: RetractionReason.ENTERED_IN_ERROR,
          },
        }),
    ]);
    await append(scene, "r1", [
      heartRates(T0, [70, 71, 72]),
      { ...heartRates(T0 + HOUR, [0]), device: undefined, unit: "/min" }, // one sample, of zero, of no device
      {
        ...heartRates(T0, []),
        code: { code: "85354-9" },
        unit: "",
        values: { case: "components", value: { components: [column("8480-6"), column("8462-4")] } },
      },
      {
        ...heartRates(T0, []),
        code: { code: "sleep-stage", system: SLEEP_STAGE_SYSTEM },
        unit: "",
        granularity: Granularity.EPISODE,
        times: { ...heartRates(T0, [0]).times, durationMs: 60_000 },
        values: {
          case: "coded",
          value: { dictionary: [{ code: "rem", system: SLEEP_STAGE_SYSTEM }], indexes: [0] },
        },
      },
    ]);
    await world.writer(maker).appendObservations({
      batch: {
        requestId: "o1",
        patient: world.idFor(maker, patient),
        observations: [
          { ...bare, effective: at(T0), value: { case: "quantity", value: { value: "0", unit: "kg" } } },
          { ...bare, effective: at(T0 + 1), value: { case: "integer", value: 0n } },
          { ...bare, effective: at(T0 + 2), value: { case: "boolean", value: false } },
          { ...bare, effective: at(T0 + 3), dataAbsentReason: { code: "unknown" } },
        ],
      },
    });
    const answers = [...live, ...(await answersOf(scene))];
    const reads = RecordsService.methods.filter(({ name }) => !/Eras/.test(name)).map(({ name }) => name);
    expect(new Set(answers.map(([name]) => name))).toEqual(new Set(reads));
    expect(answers.flatMap(([name, answer]) => faultsOf(answer, name))).toEqual([]);
  });

  it("count in numbers that JSON has: 64 bits are where 32 do not do", () => {
    const found = new Set<string>();
    const seen = new Set<DescMessage>();
    const walk = (message: DescMessage): void => {
      if (seen.has(message)) return;
      seen.add(message);
      for (const field of message.fields) {
        if (field.message?.typeName.startsWith("wellapi.")) walk(field.message);
        const scalar = field.scalar;
        const wide = [ScalarType.INT64, ScalarType.UINT64, ScalarType.SINT64, ScalarType.FIXED64];
        if (scalar !== undefined && wide.includes(scalar)) found.add(`${message.name}.${field.name}`);
      }
    };
    for (const { output } of RecordsService.methods) walk(output);
    expect([...found].sort()).toEqual(
      [
        "Decimals.wide_mantissas",
        "Observation.duration_ms",
        "Observation.integer",
        "Component.integer",
      ].sort(),
    );
  });
});
