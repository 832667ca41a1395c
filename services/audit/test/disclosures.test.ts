import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createLeafSealer } from "@wellapi/access-log";
import { Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { keysOfCategory, shippedTerminology } from "@wellapi/terminology";
import { openLocalKms } from "@wellapi/vault";
import { expect, test } from "vitest";
import { createAccessReader } from "../src/access-reader.ts";
import { createAccessRepository } from "../src/access-repository.ts";
import { createAccessSealing } from "../src/access-sealing.ts";
import { lookThrough } from "../src/disclosures/disclosed-accesses.ts";
import type { ReadEntry } from "../src/disclosures/disclosure.ts";
import { disclosuresOf } from "../src/disclosures/disclosure.ts";
import { createLogRepository } from "../src/log-repository.ts";
import { ada, bob, leafOf, openAudit } from "./harness.ts";

const heart = "8867-4";
const steps = "55423-8";
const clinic = "org_clinic";
const insurer = "org_insurer";
const asAda = { kind: "patient", id: "pat_ada", partition: ada } as const;
const records = "wellapi.records.v1.RecordsService";

/** A read that was let through, unless it says otherwise. */
const readOf = (id: string, timeMs: number, more: object = {}, partition = ada) =>
  leafOf(
    partition,
    {
      id: `acc_${id}`,
      organization: clinic,
      method: `${records}/QuerySeries`,
      direction: Direction.READ,
      phase: Access_Phase.CALL,
      outcome: Access_Outcome.PERMITTED,
      purpose: Purpose.TREATMENT,
      codes: [heart],
      items: 10,
      resolution: Resolution.RAW,
      consents: [{ consent: "con_1", version: 1 }],
      ...more,
    },
    timeMs,
  );
const opened = { method: `${records}/ReadSeries`, phase: Access_Phase.OPENED, items: 0 };
const closed = (openedBy: string, more: object = {}) => ({
  method: `${records}/ReadSeries`,
  phase: Access_Phase.CLOSED,
  openedBy: `acc_${openedBy}`,
  ...more,
});

async function openFilled(leaves: ReturnType<typeof readOf>[]) {
  const world = await openAudit();
  await world.intake.append({ leaves });
  return world;
}

test("a patient is told what each organization read: how often, how much, how fine, what for, by which consents and entries", async () => {
  const world = await openFilled([
    readOf("a", 1_000),
    readOf("b", 2_000, {
      method: `${records}/AggregateSeries`,
      codes: [steps],
      items: 96,
      resolution: Resolution.DAILY,
      purpose: Purpose.RESEARCH,
      consents: [{ consent: "con_2", version: 3 }],
    }),
    readOf("c", 3_000, { codes: [heart, steps], items: 7 }),
    readOf("d", 4_000, { organization: insurer, consents: [], emergencyAccess: "emg_1", resolution: 0 }),
    readOf("denied", 5_000, { outcome: Access_Outcome.DENIED, items: 0 }),
    readOf("sent", 6_000, { direction: Direction.CONTRIBUTE }),
    readOf("own", 7_000, { organization: "" }),
    readOf("other", 8_000, {}, bob),
  ]);
  const { disclosures, unreadableEntries } = await world.as(asAda).aggregateDisclosures({});
  expect(unreadableEntries).toBe(0);
  expect(disclosures.map(({ organization }) => organization)).toEqual([insurer, clinic]);
  const [emergency, whole] = disclosures;
  expect(emergency!.total).toMatchObject({
    reads: 1n,
    values: 10n,
    finestResolution: Resolution.UNSPECIFIED,
    consents: [],
    emergencyAccesses: ["emg_1"],
  });
  expect(whole!.total).toMatchObject({
    reads: 3n,
    values: 113n,
    unknownAmountReads: 0n,
    finestResolution: Resolution.RAW,
    purposes: [Purpose.TREATMENT, Purpose.RESEARCH],
    consents: [
      { consent: "con_1", version: 1 },
      { consent: "con_2", version: 3 },
    ],
    firstTime: timestampFromMs(1_000),
    lastTime: timestampFromMs(3_000),
    accesses: ["acc_c", "acc_b", "acc_a"],
  });
  const byCategory = whole!.categories.map(({ category, codes, figures }) => [
    category,
    codes,
    figures!.reads,
    figures!.values,
    figures!.unknownAmountReads,
    figures!.finestResolution,
  ]);
  // Of the read of both nothing says how much was of which.
  expect(byCategory).toEqual([
    ["activity", [steps], 2n, 96n, 1n, Resolution.RAW],
    ["heart", [heart], 2n, 10n, 1n, Resolution.RAW],
  ]);
});

test("a read of several sources at once counts once, with what the entry says of each", async () => {
  const listing = "wellapi.records.v1.ClinicalRecordsService/ListClinicalRecords";
  const world = await openFilled([
    readOf("a", 1_000, {
      method: `${records}/SearchObservations`,
      codes: [heart, steps],
      items: 12,
      parts: [
        { method: listing, codes: [], items: 0 },
        { method: `${records}/ListObservations`, codes: [heart], items: 2 },
        { method: `${records}/QuerySeries`, codes: [steps], items: 10 },
      ],
    }),
    readOf("b", 2_000, {
      method: `${records}/SearchObservations`,
      codes: [heart, steps],
      items: 5,
      parts: [
        { method: `${records}/ListObservations`, codes: [heart], items: 1 },
        { method: `${records}/QuerySeries`, codes: [heart, steps], items: 4 },
      ],
    }),
  ]);
  const [disclosure] = (await world.as(asAda).aggregateDisclosures({})).disclosures;
  expect(disclosure!.total).toMatchObject({ reads: 2n, values: 17n, unknownAmountReads: 0n });
  expect(
    disclosure!.categories.map(({ category, figures }) => [
      category,
      figures!.reads,
      figures!.values,
      figures!.unknownAmountReads,
    ]),
  ).toEqual([
    ["activity", 2n, 10n, 1n],
    ["heart", 2n, 2n, 1n],
  ]);
});

test("a stream counts once, by its end and under all its consents; what was withheld counts as nothing", async () => {
  const world = await openFilled([
    readOf("stream", 1_000, opened),
    readOf("changed", 2_000, {
      ...opened,
      phase: Access_Phase.CHANGED,
      openedBy: "acc_stream",
      consents: [{ consent: "con_2", version: 1 }],
    }),
    readOf("end", 3_000, closed("stream", { items: 40, outcome: Access_Outcome.DENIED, consents: [] })),
    // Decided again after it was logged, in the same millisecond.
    readOf("z", 4_000),
    readOf("a", 4_000, closed("z", { items: 0, outcome: Access_Outcome.DENIED, consents: [] })),
    readOf("open", 5_000, opened),
  ]);
  const totalOf = async (start: number, end: number) => {
    const interval = { startTime: timestampFromMs(start), endTime: timestampFromMs(end) };
    const { disclosures } = await world.as(asAda).aggregateDisclosures({ interval });
    return disclosures[0]?.total;
  };
  expect(await totalOf(0, 5_000)).toMatchObject({
    reads: 1n,
    values: 40n,
    unknownAmountReads: 0n,
    accesses: ["acc_end"],
    consents: [{ consent: "con_1" }, { consent: "con_2" }],
  });
  expect(await totalOf(4_000, 4_001)).toBeUndefined();
  expect(await totalOf(5_000, 6_000)).toMatchObject({ reads: 1n, values: 0n, unknownAmountReads: 1n });
  // Over the edge of the period: unknown where it had not ended, whole where it ends.
  expect(await totalOf(0, 2_500)).toMatchObject({ reads: 1n, unknownAmountReads: 1n });
  expect(await totalOf(2_500, 4_000)).toMatchObject({ reads: 1n, values: 40n, unknownAmountReads: 0n });
});

test("an answer is about the period that was looked through, and the rest can be asked for", async () => {
  const leaves = Array.from({ length: 40 }, (_, i) => readOf(String(i), Math.floor(i / 2)));
  const world = await openFilled(leaves);
  const reader = await readerOf(world);
  const asked = { partition: ada, organization: undefined, shown: () => true, most: 15 };
  let to = 1_000;
  let reads: readonly ReadEntry[] = [];
  for (let times = 0; times < 10 && to > 0; times += 1) {
    const found = await lookThrough(reader, { ...asked, interval: { from: 0, to } });
    reads = [...reads, ...found.reads];
    to = found.interval.from!;
  }
  expect(to).toBe(0);
  expect(new Set(reads.map(({ id }) => id)).size).toBe(40);
  expect(disclosuresOf(reads, shippedTerminology.categoriesOf)[0]!.total.values).toBe(400);
});

/** A reader over the world's store, with its keys. */
async function readerOf({ store, vault, folder }: Awaited<ReturnType<typeof openAudit>>) {
  const kms = await openLocalKms({ path: join(folder, "master.key") });
  const sealer = await createLeafSealer({ kms, service: "audit" });
  return createAccessReader({
    accesses: createAccessRepository(store),
    log: createLogRepository(store),
    sealing: await createAccessSealing({ vault, sealer, kms }),
    whole: true,
    publishedSize: () => 0,
    damage: { report() {} },
  });
}

test("one organization alone can be asked about, and an id that is none has read nothing", async () => {
  const world = await openFilled([readOf("a", 1_000), readOf("b", 2_000, { organization: insurer })]);
  const of = async (organization: string) =>
    (await world.as(asAda).aggregateDisclosures({ organization })).disclosures.map((one) => one.organization);
  expect([await of(clinic), await of(insurer), await of("org_none")]).toEqual([[clinic], [insurer], []]);
});

test("whoever acts for a minor is told nothing of the minor's own care, and not how much is hidden", async () => {
  const [hidden] = keysOfCategory("mental_health", 1);
  const world = await openFilled([
    readOf("a", 1_000),
    readOf("b", 2_000, { codes: [heart, hidden!] }),
    readOf("c", 3_000, { codes: [hidden!], organization: insurer }),
    readOf("d", 4_000, { codes: [], organization: insurer }),
  ]);
  const acting = { actor: { kind: "guardian", id: "usr_1" }, hides: ["mental_health"] } as const;
  const { disclosures, unreadableEntries } = await world.as({ ...asAda, ...acting }).aggregateDisclosures({});
  expect(disclosures).toMatchObject([
    { organization: clinic, total: { reads: 1n, accesses: ["acc_a"] }, categories: [{ category: "heart" }] },
  ]);
  expect(unreadableEntries).toBe(0);
  expect((await world.as(asAda).aggregateDisclosures({})).disclosures).toHaveLength(2);
});

test("it is for patients about themselves: nobody else gets an answer", async () => {
  const world = await openFilled([readOf("a", 1_000)]);
  for (const principal of [
    { kind: "application", id: "app_1", organization: clinic },
    { kind: "member", id: "usr_1", organization: clinic, roles: ["auditor"], assurance: "passkey" },
    { kind: "operator", id: "opr_1" },
  ] as const) {
    const refused = await world
      .as(principal)
      .aggregateDisclosures({})
      .catch((error: unknown) => problemOf(error as never).code);
    expect(refused).toBe(7);
  }
});

test("entries whose key was destroyed are counted as unreadable, and the figures say so", async () => {
  const world = await openFilled([readOf("a", 1_000), readOf("own", 2_000, { organization: "" })]);
  await world.vault.destroy(ada, "audit");
  const answer = await world.as(asAda).aggregateDisclosures({});
  expect([answer.disclosures.length, answer.unreadableEntries]).toEqual([0, 1]);
});

test("what an organization received under a consent is what the entries that name it say, without what left de-identified", async () => {
  const other = { consents: [{ consent: "con_2", version: 1 }] };
  const world = await openFilled([
    readOf("a", 1_000),
    readOf("both", 2_000, {
      codes: [steps],
      consents: [{ consent: "con_1", version: 2 }, ...other.consents],
    }),
    readOf("other", 3_000, other),
    readOf("stream", 4_000, opened),
    readOf("end", 5_000, closed("stream", { items: 40, ...other })),
    readOf("anonymous", 6_000, { method: "wellapi.records.v1.ExportService/ReadDeIdentified", codes: [] }),
    readOf("insurer", 7_000, { organization: insurer }),
    readOf("bob", 8_000, {}, bob),
  ]);
  const receivedBy = async (organization: string, consent: string, startTime = 0) => {
    const interval = { startTime: timestampFromMs(startTime) };
    const asked = { partition: ada, organization, consent, interval };
    const { categories } = await world.directory.describeReceived(asked);
    return categories.map(({ category, figures }) => [category, figures!.reads, figures!.values]);
  };
  expect(await receivedBy(clinic, "con_1")).toEqual([
    ["activity", 1n, 10n],
    ["heart", 2n, 50n],
  ]);
  expect(await receivedBy(clinic, "con_1", 4_000)).toEqual([["heart", 1n, 40n]]);
  expect(await receivedBy(insurer, "con_1")).toEqual([["heart", 1n, 10n]]);
  expect(await receivedBy(clinic, "con_none")).toEqual([]);
});
