/** What every kind of read asks for before it reads, and what it does where that can't be had. */
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { expect, test } from "vitest";
import { append, heartRates, openScene, queryInit, readAll, reasonOf } from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);

test("what a reader's own organization forbids for a purpose is not read for it, whatever the consent permits", async () => {
  const forbidden = `forbid (principal, action == Action::"read", resource) when { context.purpose == "research" };`;
  const purposes = [Purpose.TREATMENT, Purpose.RESEARCH];
  const scene = await openScene({ purposes }, { restrictions: [forbidden] });
  await append(scene, "one", [heartRates(T0, [60, 61, 62])]);
  const { world, patient } = scene;
  const clinic = { ...scene.clinic, policies: 1 };
  const read = (purpose: Purpose, reader = clinic) =>
    reasonOf(world.reader(reader).querySeries(queryInit(world.idFor(reader, patient), { purpose })));
  const stream = (purpose: Purpose) => reasonOf(readAll({ ...scene, clinic }, { purpose }));
  expect([await read(Purpose.TREATMENT), await stream(Purpose.TREATMENT)]).toEqual(["OK", "OK"]);
  expect([await read(Purpose.RESEARCH), await stream(Purpose.RESEARCH)]).toEqual([
    "POLICY_DENIED",
    "POLICY_DENIED",
  ]);
  const denied = (await world.accesses()).filter(({ outcome }) => outcome === Access_Outcome.DENIED);
  expect(denied.map(({ reason, items }) => [reason, items])).toEqual([
    ["POLICY_DENIED", 0],
    ["POLICY_DENIED", 0],
  ]);
});

test("a patient of whom nothing is stored reads that there is nothing", async () => {
  const { world } = await openScene();
  const patient = world.patient();
  const asked = { ...queryInit(world.ownId(patient), { purpose: Purpose.PATIENT_REQUEST }) };
  expect((await world.own(patient).querySeries(asked)).series).toEqual([]);
});
