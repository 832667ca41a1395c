import { describe, expect, test } from "vitest";
import { parseMeshConfig } from "../src/launcher/index.ts";
import { membersOf } from "../src/launcher/members.ts";
import { serviceNames } from "../src/services.ts";

const replicasOf = (text: string) => [...parseMeshConfig({ WELLAPI_REPLICAS: text }).replicas];

describe("replicas of a mesh on one machine", () => {
  test("one of each service where nothing is said", () => {
    expect(replicasOf("")).toEqual([]);
    expect(membersOf(new Map()).map(({ name }) => name)).toContain("records");
  });

  test("each has a name of its own, and the first keeps the service's", () => {
    const members = membersOf(parseMeshConfig({ WELLAPI_REPLICAS: "records=3, consent=2" }).replicas);
    expect(members.filter(({ service }) => service === "records").map(({ name }) => name)).toEqual([
      "records",
      "records-2",
      "records-3",
    ]);
    expect(new Set(members.map(({ name }) => name)).size).toBe(serviceNames.length + 3);
  });

  test.each([
    "keys=2",
    "gateway=2",
    "audit=2",
    "records",
    "records=0",
    "records=6",
    "records=12",
    "records=2,records=2",
    "records=1.5",
    "nobody=2",
  ])("%s is refused", (text) => {
    expect(() => replicasOf(text)).toThrow(/WELLAPI_REPLICAS is not valid/);
  });
});
