import { create } from "@bufbuild/protobuf";
import { type SeriesBatch, SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { expect, test } from "vitest";
import { seriesDigest } from "../src/door/digest-convert.ts";

const decimals = (mantissas: number[], wideMantissas: bigint[] = []) => ({
  scale: 0,
  mantissas,
  wideMantissas,
});

const quantities = () =>
  create(SeriesBatchSchema, {
    requestId: "r1",
    patient: "pat_1",
    series: [
      {
        code: { code: "8867-4" },
        unit: "/min",
        times: {
          start: { case: "startTime", value: { seconds: 1_460_448_000n } },
          spacing: { case: "gaps", value: { gapsMs: [5_000, 7_000] } },
        },
        values: { case: "decimals", value: decimals([72, 73, 74]) },
      },
      { values: { case: "coded", value: { dictionary: [{ code: "awake" }], indexes: [0, 0] } } },
      {
        values: {
          case: "components",
          value: { components: [{ decimals: decimals([120]) }, { decimals: decimals([80]) }] },
        },
      },
      { values: { case: "decimals", value: decimals([], [2n ** 40n, 1n]) } },
    ],
  });

/** By path in the batch. */
const changes: readonly (readonly [string, string, unknown])[] = [
  ["the request id", "requestId", "r2"],
  ["the zone", "timeZone", "Europe/Berlin"],
  ["a unit", "series.0.unit", "{beats}/min"],
  ["a start", "series.0.times.start.value.seconds", 1n],
  ["a gap", "series.0.times.spacing.value.gapsMs", [5_000, 7_001]],
  ["a gap fewer", "series.0.times.spacing.value.gapsMs", [5_000]],
  ["a scale", "series.0.values.value.scale", 1],
  ["a value", "series.0.values.value.mantissas", [72, 73, -74]],
  ["a value fewer", "series.0.values.value.mantissas", [72, 73]],
  ["the gaps as values", "series.0.values.value.mantissas", [5_000, 7_000]],
  ["an index", "series.1.values.value.indexes", [0, 1]],
  ["a coded value", "series.1.values.value.dictionary.0.code", "asleep"],
  ["a value of a component", "series.2.values.value.components.1.decimals.mantissas", [81]],
  ["a wide value", "series.3.values.value.wideMantissas", [2n ** 40n + 1n, 1n]],
  ["a wide value as two others", "series.3.values.value.mantissas", [0, 256, 1, 0]],
];

function changed(batch: SeriesBatch, path: string, value: unknown): SeriesBatch {
  const names = path.split(".");
  const last = names.pop()!;
  let holder = batch as unknown as Record<string, unknown>;
  for (const name of names) holder = holder[name] as Record<string, unknown>;
  holder[last] = value;
  return batch;
}

test.each(changes)("%s makes another digest", (_name, path, value) => {
  expect(seriesDigest(changed(quantities(), path, value))).not.toEqual(seriesDigest(quantities()));
});

test("the order of series and of components makes another digest", () => {
  const { series } = quantities();
  const components = quantities();
  const { value } = components.series[2]!.values;
  if (value?.$typeName === "wellapi.type.v1.ComponentValues") value.components.reverse();
  const digests = [quantities(), { ...quantities(), series: series.toReversed() }, components].map(
    seriesDigest,
  );
  expect(new Set(digests.map(String)).size).toBe(3);
});

test("the same batch has the same digest in every version, and is left as it was", () => {
  const batch = quantities();
  expect(Buffer.from(seriesDigest(batch)).toString("hex")).toBe(
    "c257feb9768712e1d55545a8f029607d7ef05afd063dec5efb2ad2780349c452",
  );
  expect(batch).toEqual(quantities());
});
