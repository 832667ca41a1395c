import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { notedCalls } from "@wellapi/access-log";
import { Access_Outcome, Access_Phase, AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { AccessNotedSchema } from "@wellapi/gen/wellapi/internal/audit/v1/access_directory_service_pb";
import { expect, test } from "vitest";
import { contractServices } from "../../../scripts/manifests/callers-table.ts";
import { createNotedAccesses, type Notable, topicOf } from "../src/noted/noted-access.ts";
import { openAudit } from "./harness.ts";

const partition = "local/pat_00000000000000000000000001";
const start = Date.parse("2026-03-01T10:00:00Z");
const HOUR = 3_600_000;
const read = "wellapi.records.v1.RecordsService/ReadSeries";

const access = (id: number, changed: Partial<Notable> = {}): Notable => ({
  id: `acc_${id}`,
  partition,
  organization: "org_clinic",
  timeMs: start,
  method: read,
  phase: "call",
  permitted: true,
  ...changed,
});

test("each RPC of which patients are told is in the contracts", async () => {
  const known = new Set(
    (await contractServices()).flatMap(({ typeName, methods }) =>
      methods.map(({ name }) => `${typeName}/${name}`),
    ),
  );
  expect([...notedCalls.keys()].filter((name) => !known.has(name))).toEqual([]);
});

test("of an organization's reads in an hour the first, the fourth and the sixteenth are told, and in the next hour anew", () => {
  const noted = createNotedAccesses();
  const told: number[] = [];
  for (let id = 1; id <= 20; id += 1) {
    const timeMs = start + (id > 17 ? HOUR : 0);
    const one = [access(id, { timeMs })];
    const now = noted.of(one);
    for (const { reads } of now.values()) told.push(reads);
    noted.stored(one, now);
  }
  expect(told).toEqual([1, 4, 16, 1]);
});

test("reads that come in one request count one after the other, also where they are not stored and come again", () => {
  const noted = createNotedAccesses();
  const batch = Array.from({ length: 5 }, (_, id) => access(id));
  const first = [...noted.of(batch).values()];
  expect(first.map(({ reads }) => reads)).toEqual([1, 4]);
  expect([...noted.of(batch).values()]).toEqual(first);
  noted.stored(batch, noted.of(batch));
  expect([...noted.of([access(6)]).values()]).toEqual([]);
});

test("a step that requests at the same time pass is told with the next read, once", () => {
  const noted = createNotedAccesses();
  const [first, ...atOnce] = Array.from({ length: 4 }, (_, id) => [access(id)]);
  noted.stored(first!, noted.of(first!));
  // All of them are decided before any is stored.
  const told = atOnce.map((one) => noted.of(one));
  for (const [i, one] of atOnce.entries()) noted.stored(one, told[i]!);
  expect(told.map(({ size }) => size)).toEqual([0, 0, 0]);
  const next = [access(5)];
  const late = noted.of(next);
  expect([...late.values()]).toMatchObject([{ reads: 4, step: 4 }]);
  noted.stored(next, late);
  expect([...noted.of([access(6)]).values()]).toEqual([]);
});

test("another organization, another patient and another kind of call count for themselves", () => {
  const noted = createNotedAccesses();
  noted.stored([access(1)], noted.of([access(1)]));
  const others = [
    access(2, { organization: "org_other" }),
    access(3, { partition: `${partition.slice(0, -1)}2` }),
    access(4, { method: "wellapi.ingestion.v1.IngestionService/RetractBatch" }),
  ];
  const told = [...noted.of(others).values()];
  expect(told.map(({ reads }) => reads)).toEqual([1, 1, 0]);
  expect(new Set(told.map(({ sameAs }) => sameAs)).size).toBe(3);
});

test("not told: what was denied, the patient's own reads, the later parts of a stream, RPCs of no interest", () => {
  const { organization: _, ...own } = access(1);
  for (const one of [
    access(1, { permitted: false }),
    { ...own, organization: undefined },
    access(1, { phase: "closed" }),
    access(1, { phase: "changed" }),
    access(1, { method: "wellapi.identity.v1.TokenService/GetJwks" }),
    access(1, { method: "wellapi.records.v1.RecordsService/ErasePatient", phase: "opened" }),
  ]) {
    expect(topicOf(one)).toBeUndefined();
  }
  expect(topicOf(access(1, { phase: "opened" }))).toBe("read");
  expect(
    topicOf(access(1, { method: "wellapi.records.v1.RecordsService/ErasePatient", phase: "closed" })),
  ).toBe("erasure");
});

/** As a service's outbox sends it. */
function leafOfRead(id: string) {
  const entry = create(AccessSchema, {
    id,
    organization: "org_clinic",
    method: read,
    phase: Access_Phase.CALL,
    outcome: Access_Outcome.PERMITTED,
    codes: ["8867-4"],
  });
  return {
    id,
    partition,
    organization: "org_clinic",
    timeMs: BigInt(start),
    nonce: new Uint8Array(32).fill(7),
    body: toBinary(AccessSchema, entry),
  };
}

test("the event is committed with the access, once, and has ids alone", async () => {
  const world = await openAudit();
  const leaf = leafOfRead("acc_1");
  await world.vault.create(partition, "audit");
  await world.intake.append({ leaves: [leaf] });
  await world.intake.append({ leaves: [leaf] });
  const outbox = await world.store.readOutbox(10);
  expect(outbox).toHaveLength(1);
  const { subject, data, id, headers } = outbox[0]!.event;
  expect(subject).toBe("audit.access.noted");
  expect(fromBinary(AccessNotedSchema, data)).toMatchObject({ partition, access: "acc_1", reads: 1 });
  expect(`${Buffer.from(data).toString("latin1")} ${id} ${JSON.stringify(headers)}`).not.toMatch(
    /org_clinic|ReadSeries|8867/,
  );
});

test("what an outbox sends again is not counted again, alone or with what is new", async () => {
  const world = await openAudit();
  await world.vault.create(partition, "audit");
  const events = async () => {
    const outbox = await world.store.readOutbox(10);
    return outbox
      .map(({ event }) => fromBinary(AccessNotedSchema, event.data))
      .map(({ access, reads }) => [access, reads]);
  };
  const [one, two, three, four] = ["acc_1", "acc_2", "acc_3", "acc_4"].map(leafOfRead);
  for (let i = 0; i < 5; i += 1) await world.intake.append({ leaves: [one!] });
  await world.intake.append({ leaves: [one!, two!] });
  await world.intake.append({ leaves: [one!, three!] });
  expect(await events()).toEqual([["acc_1", 1]]);
  await world.intake.append({ leaves: [one!, four!] });
  expect(await events()).toEqual([
    ["acc_1", 1],
    ["acc_4", 4],
  ]);
});
