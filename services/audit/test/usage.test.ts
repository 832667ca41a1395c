import { join } from "node:path";
import { timestampDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import type { ListUsageResponse } from "@wellapi/gen/wellapi/audit/v1/usage_service_pb";
import { Actor_Kind } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { openLocalKms } from "@wellapi/vault";
import { expect, test } from "vitest";
import { auditCheck } from "../src/check.ts";
import { addCounted, type UsageRow } from "../src/usage/usage.ts";
import { ada, bob, leafOf, openAudit, trustDomain } from "./harness.ts";

const clinic = "org_clinic";
const now = Date.UTC(2026, 5, 30, 12);
const today = Date.UTC(2026, 5, 30);
const records = "wellapi.records.v1.RecordsService";
const query = { method: `${records}/QuerySeries`, outcome: Access_Outcome.PERMITTED };
const read = { method: `${records}/ReadSeries`, outcome: Access_Outcome.PERMITTED };
const tracker = { kind: Actor_Kind.APPLICATION, id: "app_tracker" };
const asClinic = { kind: "application", id: "app_tracker", organization: clinic } as const;

const leaf = (more: object, timeMs = today, partition = ada) =>
  leafOf(partition, { organization: clinic, actor: tracker, phase: Access_Phase.CALL, ...more }, timeMs);

async function openFilled(...leaves: ReturnType<typeof leaf>[]) {
  const world = await openAudit({ now });
  await world.intake.append({ leaves });
  await world.settled();
  return world;
}

const told = ({ usages }: ListUsageResponse) =>
  usages
    .map(({ startTime, application, method, accesses, items, refusals }) =>
      [
        timestampDate(startTime!).toISOString().slice(0, 10),
        application || "people",
        method.split("/")[1],
        accesses,
        items,
        ...refusals.map((one) => `${one.reason} ${one.accesses}`),
      ].join(" "),
    )
    .sort();

test("an organization is told by day, application and RPC how often it called, how much of it moved and what was refused", async () => {
  const denied = { ...query, outcome: Access_Outcome.DENIED };
  const world = await openFilled(
    leaf({ ...query, items: 10 }),
    leaf({ ...query, items: 5 }, today - 1, bob),
    leaf({ ...query, items: 7 }, now, bob),
    leaf({ ...denied, reason: "NO_CONSENT" }),
    leaf({ ...denied, reason: "CALLER_NOT_PERMITTED", items: 40 }, today, ""),
    leaf({ ...query, actor: { kind: Actor_Kind.CLINICIAN, id: "usr_1" }, items: 2 }),
    leaf({ ...query, organization: "org_other", items: 999 }),
    leaf({ ...query, organization: "", actor: { kind: Actor_Kind.PATIENT, id: "pat_1" } }),
  );
  const usage = world.usageAs(asClinic);
  expect(told(await usage.listUsage({}))).toEqual([
    "2026-06-29 app_tracker QuerySeries 1 5",
    "2026-06-30 app_tracker QuerySeries 43 17 CALLER_NOT_PERMITTED 40 NO_CONSENT 1",
    "2026-06-30 people QuerySeries 1 2",
  ]);
  const interval = { startTime: timestampFromMs(today - 1), endTime: timestampFromMs(today) };
  expect(told(await usage.listUsage({ interval }))).toEqual([]);
});

test("a stream counts once, and with what it sent, on the days on which it opened and ended", async () => {
  const world = await openFilled(
    leaf({ ...read, phase: Access_Phase.OPENED }, today - 1),
    leaf({ ...read, phase: Access_Phase.CHANGED }),
    leaf({ ...read, phase: Access_Phase.CLOSED, outcome: Access_Outcome.DENIED, items: 300 }),
  );
  expect(told(await world.usageAs(asClinic).listUsage({}))).toEqual([
    "2026-06-29 app_tracker ReadSeries 1 0",
    "2026-06-30 app_tracker ReadSeries 0 300",
  ]);
});

test("pages hold all days, the newest first, for organizations alone", async () => {
  const world = await openFilled(...[0, 1, 2].map((days) => leaf(query, today - days * 86_400_000)));
  const usage = world.usageAs({
    ...{ kind: "member", id: "usr_1", organization: clinic },
    ...{ roles: ["developer"], assurance: "code" },
  });
  const first = await usage.listUsage({ pageSize: 2 });
  const second = await usage.listUsage({ pageSize: 2, pageToken: first.nextPageToken });
  const days = [first, second].flatMap(told).map((text) => text.slice(0, 10));
  expect(days).toEqual(["2026-06-29", "2026-06-30", "2026-06-28"]);
  expect(second.nextPageToken).toBe("");
  const ofPatient = world.usageAs({ kind: "patient", id: "pat_ada", partition: ada }).listUsage({});
  expect(problemOf(await ofPatient.catch((error) => error))?.reason).toBe("CALLER_NOT_PERMITTED");
  const interval = { startTime: timestampFromMs(today - 401 * 86_400_000) };
  const long = await usage.listUsage({ interval }).catch((error) => error);
  expect(problemOf(long)?.violations?.[0]?.reason).toBe("INTERVAL_TOO_LONG");
});

test("where the patient's audit key is gone the access counts all the same, and no file says whose usage it is", async () => {
  const world = await openAudit({ now });
  await world.intake.append({ leaves: [leaf(query)] });
  await world.vault.destroy(ada, "audit");
  await world.intake.append({ leaves: [leaf(query)] });
  await world.settled();
  expect(told(await world.usageAs(asClinic).listUsage({}))).toEqual([
    "2026-06-30 app_tracker QuerySeries 2 0",
  ]);
  const { documents } = await world.store.scan("usage", { equals: [], limit: 10 });
  const stored = documents.map(({ document }) => Object.keys(document).sort());
  expect(stored).toEqual([["day", "organization", "partition", "row", "sealed"]]);
  const waiting = (await world.store.scan("log_leaves", { equals: [], limit: 10 })).documents;
  expect(waiting.map(({ document }) => document.counted)).toEqual([undefined, undefined]);
});

test("usage that is damaged stops neither the log nor other days, and is told as damaged", async () => {
  const world = await openFilled(leaf(query), leaf(query, today - 86_400_000));
  const { documents } = await world.store.scan("usage", { equals: [], limit: 10 });
  const [yesterday, broken] = documents.map(({ document, revision }) => ({ document, revision }));
  const document = { ...broken!.document, sealed: yesterday!.document.sealed };
  const { revision: ifRevision } = broken!;
  const change = { kind: "replace", collection: "usage", document, ifRevision } as const;
  await world.store.commit({ partition: "log", changes: [change] });
  await world.intake.append({ leaves: [leaf(query), leaf(query, today - 86_400_000)] });
  await world.settled();
  const kms = await openLocalKms({ path: join(world.folder, "master.key") });
  const folders = { directory: join(world.folder, "log"), publishedDirectory: join(world.folder, "log") };
  const check = await auditCheck({ ...world, kms, trustDomain, ...folders });
  const { documents: stored } = await world.store.scan("usage", { equals: [], limit: 10 });
  const looked = await Promise.all(stored.map((one) => check.documents.usage!(one.document)));
  await kms.close();
  expect(looked.map((finding) => finding?.what)).toEqual([undefined, "its seal does not open"]);
  const usage = world.usageAs(asClinic);
  const interval = { endTime: timestampFromMs(today) };
  expect(told(await usage.listUsage({ interval }))).toEqual(["2026-06-29 app_tracker QuerySeries 2 0"]);
  expect(problemOf(await usage.listUsage({}).catch((error) => error))?.reason).toBe("DATA_DAMAGED");
  expect(
    (await world.as(asClinic).listAccesses({})).accesses.map(({ index }) => Number(index)).sort(),
  ).toEqual([0, 1, 2, 3]);
});

test("a day's reasons are bounded, and none is lost from the sum", () => {
  let row: UsageRow | undefined;
  const counted = { organization: clinic, day: 1, application: "", method: "a.B/C", accesses: 1, items: 0 };
  for (let i = 0; i < 60; i++) row = addCounted(row, { ...counted, refusal: `R${i}` });
  row = addCounted(row, { ...counted, refusal: "R7" });
  expect(Object.keys(row!.refusals).length).toBe(51);
  expect(row!.refusals).toMatchObject({ R7: 2, "": 10 });
  expect(row!.accesses).toBe(61);
});
