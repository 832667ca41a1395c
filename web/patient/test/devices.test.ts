import { create } from "@bufbuild/protobuf";
import { SourceSchema } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { expect, test } from "vitest";
import { inOrder, rankedOf } from "../app/data/devices.ts";

const source = (deviceId: string, deviceModel = "") =>
  create(SourceSchema, { organization: "org_maker", deviceId, deviceModel });
const ranked = (...ids: readonly string[]) =>
  ids.map((deviceId) => ({ organization: "org_maker", deviceId }));

test("a device that has a place keeps it while it has nothing to show, so that saving the list does not take it", () => {
  const devices = inOrder(
    [source("watch", "Watch 3"), source("scales"), source("watch")],
    ranked("ring", "scales"),
  );
  expect(devices.map(({ deviceId }) => deviceId)).toEqual(["ring", "scales", "watch"]);
  expect(rankedOf(devices)).toEqual(ranked("ring", "scales", "watch"));
});

test("the first 32 have a place, as the contract takes them", () => {
  const devices = inOrder(
    Array.from({ length: 40 }, (_, at) => source(`device-${at}`)),
    ranked("device-39"),
  );
  expect(devices).toHaveLength(40);
  expect(rankedOf(devices)).toHaveLength(32);
  expect(rankedOf(devices)[0]).toEqual({ organization: "org_maker", deviceId: "device-39" });
});
