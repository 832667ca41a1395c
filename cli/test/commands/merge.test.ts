import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { MergeNothing, MergeReason, MergeRule } from "@wellapi/gen/wellapi/records/v1/records_pb";
import {
  type MergeSeriesRequest,
  RecordsService,
  type SetDevicePriorityRequest,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

const rule = ["--rule", "device-priority-by-minute"];
const merge = ["series", "merge", "--patient", "pat_1", "--code", "8867-4"];
const series = {
  unit: "/min",
  times: {
    start: { case: "startTime" as const, value: timestampFromMs(Date.UTC(2026, 3, 12, 8)) },
    spacing: { case: "periodMs" as const, value: 60_000 },
  },
  values: { case: "decimals" as const, value: { mantissas: [70, 69] } },
};
const ring = { organization: "org_1", deviceId: "dev_1", deviceModel: "Ring" };

async function openMerges(pages: { stretches?: object[]; nextPageToken?: string; nothing?: MergeNothing }[]) {
  const asked: MergeSeriesRequest[] = [];
  const env = await openGateway(({ service }) =>
    service(RecordsService, {
      mergeSeries(request) {
        asked.push(request);
        return pages[asked.length - 1]!;
      },
    }),
  );
  return { env, asked };
}

test("a merged line says above its samples where they come from, why, and who was passed over", async () => {
  const passedOver = [{ source: { organization: "org_2" }, minutes: 2 }];
  const { env, asked } = await openMerges([
    {
      stretches: [{ series, source: ring, reason: MergeReason.FIRST_IN_ORDER, passedOver }],
      nextPageToken: "p2",
    },
    { stretches: [{ series, source: ring, reason: MergeReason.ONLY_SOURCE }] },
  ]);
  const { code, out } = await wellapi([...merge, ...rule, "--from", "2026-04-12T08:00:00Z"], { env });
  expect(code).toBe(0);
  expect(out.split("\n")).toEqual([
    "# org_1 Ring, dev_1: first in the patient's order; not org_2 no device (2 min)",
    "2026-04-12T08:00:00.000Z,70,/min",
    "2026-04-12T08:01:00.000Z,69,/min",
    "# org_1 Ring, dev_1: the only source",
    "2026-04-12T08:00:00.000Z,70,/min",
    "2026-04-12T08:01:00.000Z,69,/min",
  ]);
  expect(asked.map(({ pageToken }) => pageToken)).toEqual(["", "p2"]);
  expect(asked[0]).toMatchObject({ rule: MergeRule.DEVICE_PRIORITY_BY_MINUTE, code: { code: "8867-4" } });
});

test("where nothing is merged, it says why", async () => {
  const { env } = await openMerges([{ nothing: MergeNothing.ONLY_COARSE }]);
  const { out } = await wellapi([...merge, ...rule], { env });
  expect(out).toBe(
    "none: samples of a quarter of an hour and longer are never merged; wellapi read has them",
  );
});

test("nothing is merged without a named rule", async () => {
  const { env, asked } = await openMerges([]);
  const { code, err } = await wellapi(merge, { env });
  expect(code).toBe(2);
  expect(err).toContain("--rule");
  expect(asked).toEqual([]);
});

async function openOrders() {
  const asked: SetDevicePriorityRequest[] = [];
  const devices = [{ organization: "org_1", deviceId: "dev_1" }];
  const env = await openGateway(({ service }) =>
    service(RecordsService, {
      getDevicePriority: () => ({ priority: { devices, etag: "e1" } }),
      setDevicePriority(request) {
        asked.push(request);
        return { priority: { devices: request.devices, etag: "e2" } };
      },
    }),
  );
  return { env, asked };
}

test("a patient's order of devices is shown, replaced and taken back", async () => {
  const { env, asked } = await openOrders();
  const of = ["--patient", "pat_1"];
  const shown = await wellapi(["device", "order", ...of, "--json"], { env });
  expect(JSON.parse(shown.out)).toEqual({
    devices: [{ organization: "org_1", deviceId: "dev_1" }],
    etag: "e1",
  });
  const set = await wellapi(["device", "rank", "org_2:dev_2", "org_1", ...of, "--etag", "e1"], { env });
  expect(set.out).toContain("dev_2");
  const unranked = await wellapi(["device", "unrank", ...of], { env });
  expect(unranked.out).toBe("none");
  expect(asked).toMatchObject([
    {
      patient: "pat_1",
      etag: "e1",
      devices: [
        { organization: "org_2", deviceId: "dev_2" },
        { organization: "org_1", deviceId: "" },
      ],
    },
    { devices: [], etag: "" },
  ]);
});

test("an order that was never set is none", async () => {
  const env = await openGateway(({ service }) => service(RecordsService, { getDevicePriority: () => ({}) }));
  const { code, out } = await wellapi(["device", "order", "--patient", "pat_1"], { env });
  expect({ code, out: out.trim() }).toEqual({ code: 0, out: "none" });
});
