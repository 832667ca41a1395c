/** Care that a minor may consent to alone: who acts in the minor's name learns of none of it. */
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { expect, test } from "vitest";
import { reasonOf } from "../world.ts";
import { condition, openClinicalScene, store } from "./clinical-scene.ts";

const hides = ["mental_health", "reproductive", "sexual_health", "substance_use"];
const purpose = Purpose.PATIENT_REQUEST;
const guardian = { actor: { kind: "guardian", id: "usr_1" }, hides } as const;

async function minor() {
  const scene = await openClinicalScene();
  const { world, patient } = scene;
  await store(scene, condition(scene, "J45.20"));
  await store(scene, condition(scene, "F32.1"));
  const asked = { patient: world.ownId(patient), purpose };
  const list = async (as: object) =>
    (await world.ownClinical(patient, as).listClinicalRecords(asked)).records;
  return { ...scene, asked, list };
}

test("a guardian lists what is no such care, and the minor lists all", async () => {
  const { list } = await minor();
  expect(await list({})).toHaveLength(2);
  const shown = await list(guardian);
  expect(shown.map(({ resource }) => JSON.parse(resource).code.coding[0].code)).toEqual(["J45.20"]);
  expect(await list({ actor: guardian.actor })).toHaveLength(2);
});

test("a record of such care is, to a guardian, one that does not exist", async () => {
  const { world, patient, asked, list } = await minor();
  const all = await list({});
  const hidden = all.find(({ resource }) => resource.includes("F32.1"))!;
  const get = (record: string, as: object) =>
    world.ownClinical(patient, as).getClinicalRecord({ ...asked, record });
  await get(hidden.id, {});
  expect(await reasonOf(get(hidden.id, guardian))).toBe("NOT_FOUND");
  expect(await reasonOf(get(`${hidden.id.slice(0, -4)}aaaa`, guardian))).toBe("NOT_FOUND");
});

test("series of such care are not listed, and a question for one is refused whether there is one or not", async () => {
  const { world, patient, asked } = await minor();
  const heart = { code: { code: "8867-4" } };
  const own = world.own(patient, guardian.actor, ["heart"]);
  expect(await reasonOf(own.querySeries({ ...asked, ...heart }))).toBe("NOT_FOR_REPRESENTATIVES");
  await world.own(patient, guardian.actor, hides).querySeries({ ...asked, ...heart });
  expect((await own.listSeries(asked)).series).toEqual([]);
});
