import { toJsonString } from "@bufbuild/protobuf";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { AggregateSeriesResponseSchema } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { describe, expect, it } from "vitest";
import { append, heartRates, openScene, queryInit } from "./world.ts";

describe("pages of AggregateSeries", () => {
  it("answer more buckets than one answer carries in pages, each under 1 MiB of JSON, none twice", async () => {
    const scene = await openScene();
    const from = Date.UTC(2016, 3, 12, 6);
    const minutes = 1_600;
    const series = Array.from({ length: 32 }, (_, i) => ({
      ...heartRates(
        from + i, // an instant of its own in each minute
        Array.from({ length: minutes }, () => 60),
      ),
      device: { identifier: `serial-${i % 4}`, model: '"'.repeat(128) },
      unit: `{beats${i}${'"'.repeat(40)}}/min`, // a unit of its own to the reader
    }));
    await append(scene, "r1", series);
    const { world, clinic, patient } = scene;
    const init = {
      ...queryInit(world.idFor(clinic, patient), { from, to: from + minutes * 60_000 }),
      bucketSize: BucketSize.MINUTE,
      pageSize: 10_000,
    };
    const seen = new Set<string>();
    let pageToken = "";
    do {
      const page = await world.reader(clinic).aggregateSeries({ ...init, pageToken });
      const json = Buffer.byteLength(toJsonString(AggregateSeriesResponseSchema, page));
      expect(json).toBeLessThan(2 ** 20);
      const buckets = page.aggregates.flatMap(({ unit, source, buckets: those }) =>
        those.map(({ startTime, count }) => {
          expect(count).toBe(1);
          return `${source!.deviceId} ${unit} ${startTime!.seconds}`;
        }),
      );
      expect(buckets.length).toBeLessThanOrEqual(2_000);
      for (const bucket of buckets) {
        expect(seen.has(bucket)).toBe(false);
        seen.add(bucket);
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(seen.size).toBe(32 * minutes);
  }, 60_000);
});
