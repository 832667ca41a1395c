import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { DownloadFormat } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { systemClock } from "@wellapi/runtime";
import { expect, onTestFinished, test } from "vitest";
import { openWorld, reasonOf, type TestPatient } from "./world.ts";

test("a download is the patient's alone; each question leaves an entry, which says why it was refused", async () => {
  const world = await openWorld();
  onTestFinished(() => world.close());
  const [ada, bert] = [world.patient(), world.patient()];
  const asked = { patient: world.ownId(ada) };
  expect(await reasonOf(world.ownExports(bert).prepareDownload(asked))).toBe("CONSENT_REQUIRED");
  const { access } = await world.ownExports(ada).prepareDownload(asked);
  expect(access).toMatch(/^acc_/);
  expect((await world.accesses()).map(({ outcome, reason }) => [Access_Outcome[outcome], reason])).toEqual([
    ["DENIED", "NOT_OWN"],
    ["PERMITTED", ""],
  ]);
});

test("what was prepared is opened by its terms, for a quarter of an hour and for who prepared it alone", async () => {
  let now = Date.UTC(2026, 2, 1, 12);
  const world = await openWorld({ clock: { ...systemClock, now: () => now } });
  onTestFinished(() => world.close());
  const [ada, bert] = [world.patient(), world.patient()];
  const patient = world.ownId(ada);
  const interval = { startTime: { seconds: 1_000n, nanos: 0 } };
  const formats = [DownloadFormat.CSV];
  const asked = { patient, categories: ["glucose", "laboratory"], interval, formats };
  const { download, expireTime } = await world.ownExports(ada).prepareDownload(asked);
  const open = (by: TestPatient, of = patient, name = download) =>
    world.ownExports(by).openDownload({ patient: of, download: name });
  const opened = await open(ada);
  expect(opened).toMatchObject({ categories: ["glucose", "laboratory"], interval, formats });
  expect(opened.codes.map(({ code }) => code).sort()).toEqual(["15074-8", "2339-0"]);
  const entry = (await world.accesses()).find(({ id }) => id === opened.access)!;
  expect([entry.method, entry.codes, entry.interval?.startTime?.seconds]).toEqual([
    "wellapi.records.v1.ExportService/OpenDownload",
    expect.arrayContaining(["2339-0", "laboratory@1"]),
    1_000n,
  ]);
  const other = (await world.ownExports(bert).prepareDownload({ patient: world.ownId(bert) })).download;
  expect(await reasonOf(open(bert, world.ownId(bert)))).toBe("DOWNLOAD_ENDED");
  expect(await reasonOf(open(bert))).toBe("CONSENT_REQUIRED");
  expect(await reasonOf(open(ada, patient, other))).toBe("DOWNLOAD_ENDED");
  const forged = `${download.slice(0, -3)}${download.at(-3) === "A" ? "B" : "A"}${download.slice(-2)}`;
  expect(await reasonOf(open(ada, patient, forged))).toBe("DOWNLOAD_ENDED");
  const unknown = { patient, categories: ["heart", "no_such"] };
  expect(await reasonOf(world.ownExports(ada).prepareDownload(unknown))).toBe("INVALID_FIELD");
  now = timestampMs(expireTime!) - 1;
  await open(ada);
  now += 1;
  expect(await reasonOf(open(ada))).toBe("DOWNLOAD_ENDED");
  expect((await world.accesses()).at(-1)).toMatchObject({
    outcome: Access_Outcome.DENIED,
    reason: "DOWNLOAD_ENDED",
  });
});

test("what a carer prepared is opened by that carer", async () => {
  const world = await openWorld();
  onTestFinished(() => world.close());
  const ada = world.patient();
  const patient = world.ownId(ada);
  const carer = (id: string) => world.ownExports(ada, { actor: { kind: "carer", id } });
  const { download } = await carer("acct_one").prepareDownload({ patient });
  await carer("acct_one").openDownload({ patient, download });
  for (const by of [carer("acct_two"), world.ownExports(ada)]) {
    expect(await reasonOf(by.openDownload({ patient, download }))).toBe("DOWNLOAD_ENDED");
  }
});
