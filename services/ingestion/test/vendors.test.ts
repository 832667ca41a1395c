import { readFileSync } from "node:fs";
import { Code, ConnectError } from "@connectrpc/connect";
import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { problemError, problemOf } from "@wellapi/rpc";
import { describe, expect, it } from "vitest";
import { openIngestion } from "./harness.ts";

const payload = (path: string) =>
  readFileSync(new URL(`../../../test/data/vendors/${path}`, import.meta.url));

const weights = {
  requestId: "doc-1",
  patient: "pat_x",
  vendor: "fitbit",
  vendorUser: "4711",
  timeZone: "America/Los_Angeles",
  document: payload("fitbit/fitbit-body-log-weight.json"),
};

async function messageOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "OK",
    (error: unknown) => problemOf(ConnectError.from(error)).message,
  );
}

describe("a vendor's document", () => {
  it("goes to records as batches of its own names, with the account that it is from, and not itself", async () => {
    const { client, records } = await openIngestion();
    const answer = await client.createFromVendor(weights);
    expect(records.received).toMatchObject([
      {
        batch: { requestId: "doc-1.s0", patient: "pat_x", series: [{ unit: "kg" }, { unit: "kg/m2" }] },
        rejections: [],
        method: "wellapi.ingestion.v1.IngestionService/CreateFromVendor",
        vendorAccount: { vendor: "fitbit", user: "4711", rebind: false },
      },
    ]);
    expect(answer).toMatchObject({
      requestId: "doc-1",
      batches: ["bat_1"],
      items: [
        {
          path: "weight[0..3].weight",
          count: 4,
          code: { code: "29463-7" },
          status: ItemOutcome_Status.ACCEPTED,
        },
        {
          path: "weight[0..3].bmi",
          count: 4,
          code: { code: "39156-5" },
          status: ItemOutcome_Status.ACCEPTED,
        },
      ],
      notes: [{ path: "weight[].logId", count: 4 }],
    });
  });

  it("makes the same batches each time, so that sending it again repeats nothing", async () => {
    const { client, records } = await openIngestion();
    await client.createFromVendor(weights);
    await client.createFromVendor(weights);
    expect(records.received[1]!.batch).toEqual(records.received[0]!.batch);
  });

  it("loses only what is wrong in it: the rest is stored, and the answer says what, where and how to mend it", async () => {
    const { client, records } = await openIngestion();
    const log = (time: string, weight: number | string) => ({ date: "2015-05-13", time, weight, logId: 1 });
    const document = {
      weight: [log("08:00:00", 56.7), log("08:01:00", 5670), log("08:02:00", "heavy"), log("08:03:00", 56.8)],
    };
    const sent = { ...weights, document: Buffer.from(JSON.stringify(document)) };
    const { items } = await client.createFromVendor(sent);
    expect(items.map(({ path, violations }) => [path, ...violations.map(({ reason }) => reason)])).toEqual([
      ["weight[0].weight"],
      ["weight[1].weight", "VALUE_IMPLAUSIBLE"],
      ["weight[2].weight", "DECIMAL_INVALID"],
      ["weight[3].weight"],
    ]);
    const [batch] = records.received.map(({ batch: one }) => one as { series: { values: unknown }[] });
    expect(batch!.series).toMatchObject([{ values: { value: { mantissas: [567, 568] } } }]);
  });

  it("of which the consent permits a part stores that part", async () => {
    const { client, records } = await openIngestion();
    records.when("doc-1.o0", () => {
      throw problemError({ code: Code.PermissionDenied, reason: "CONSENT_REQUIRED", message: "no consent" });
    });
    const document = payload("fitbit/fitbit-activities-date-single-in-activities-list.json");
    const { items, batches } = await client.createFromVendor({ ...weights, date: "2014-06-19", document });
    expect(batches).toEqual(["bat_1"]);
    expect(items.map(({ path, status }) => `${path} ${ItemOutcome_Status[status]}`)).toEqual([
      "activities[0] REJECTED",
      "summary.steps ACCEPTED",
      "summary.caloriesOut ACCEPTED",
      "summary.distances[1].distance ACCEPTED",
    ]);
    expect(items[0]!.violations).toMatchObject([{ field: "activities[0]", reason: "CONSENT_REQUIRED" }]);
  });

  it("that the caller may not send at all is refused whole, as every batch is", async () => {
    const { client, records } = await openIngestion();
    records.when("doc-1.s0", () => {
      throw problemError({ code: Code.PermissionDenied, reason: "OTHER_VENDOR_USER", message: "of another" });
    });
    await expect(client.createFromVendor(weights)).rejects.toMatchObject({ code: Code.PermissionDenied });
  });

  it.each([
    [
      "a vendor that is not known",
      { vendor: "acme" },
      /^vendor: is not a vendor that is known here: use fitbit,/,
    ],
    ["no person", { vendorUser: "" }, /^vendor_user: the document does not name its person/],
    ["no zone that exists", { timeZone: "Mars/Olympus" }, /^time_zone: is no IANA time zone/],
    ["no date that exists", { date: "2026-02-30" }, /^date: is no date that exists/],
    [
      "a cut document",
      { document: weights.document.subarray(0, 100) },
      /^document: is no JSON \(.*\): send the whole/,
    ],
    ["another one's document", { vendor: "google-fit" }, /^document: is no document that is known here/],
    ["no UTF-8", { document: Buffer.from([0x7b, 0xff, 0x7d]) }, /^document: is no UTF-8/],
    ["a name twice", { document: Buffer.from('{"weight":[],"weight":[]}') }, /^document: has "weight" twice/],
    ["a deep nest", { document: Buffer.from("[".repeat(40)) }, /^document: is nested deeper than 32 levels/],
    [
      "too many parts",
      { document: Buffer.from(`[${"[],".repeat(60_000)}]`) },
      /^document: has more than 50,000/,
    ],
  ])("with %s is refused whole, and nothing goes to records", async (_what, change, message) => {
    const { client, records } = await openIngestion();
    expect(await messageOf(client.createFromVendor({ ...weights, ...change }))).toMatch(message);
    expect(records.received).toEqual([]);
  });
});
