/** What a mask leaves out leaves no trace: answers are as if it had never been sent. */
import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Mask } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ObservationSchema } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { withoutMasked } from "../src/read/masked-rest-convert.ts";
import { condition, everything, store } from "./clinical/clinical-scene.ts";
import type { TestConsent } from "./fake-consent.ts";
import { append, application, heartRates, openWorld, reasonOf, WEIGHT } from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const HOUR = 3_600_000;
const both = [Mask.NOTES, Mask.PERFORMER];

/** A maker sends what a mask may leave out; `isModel`: without it. A clinic reads. */
async function openMasked() {
  const world = await openWorld();
  const [maker, clinic] = [application(), application()];

  async function patientOf(isModel: boolean, ...terms: Partial<TestConsent>[]) {
    const patient = world.patient();
    const contributing = { organization: maker.organization, direction: Direction.CONTRIBUTE };
    const contribution = await world.grant(patient, { ...contributing, codes: everything });
    const reading = { organization: clinic.organization, direction: Direction.READ, codes: everything };
    for (const one of terms) await world.grant(patient, { ...reading, ...one });
    const said = isModel
      ? {}
      : {
          notes: Array.from({ length: 8 }, () => "after breakfast ".repeat(100)),
          performer: "the night nurse",
          codeText: "my weight",
        };
    const observations = Array.from({ length: 60 }, (_, hour) => ({
      code: { code: WEIGHT },
      effective: { case: "effectiveTime" as const, value: timestampFromMs(T0 + hour * HOUR) },
      utcOffsetMinutes: 0,
      value: { case: "quantity" as const, value: { value: String(80 + hour), unit: "kg" } },
      ...said,
    }));
    const batch = { requestId: "o", patient: world.idFor(maker, patient), observations };
    await world.writer(maker).appendObservations({ batch });
    const about = { patient: world.idFor(clinic, patient), purpose: Purpose.TREATMENT };
    const reader = world.reader(clinic);
    return {
      patient,
      contribution,
      about,
      /** Every page, without ids: where it ends, and all that it says. */
      async pages() {
        const pages: unknown[] = [];
        for (let pageToken = ""; ; ) {
          const page = await reader.listObservations({
            ...about,
            code: { code: WEIGHT },
            pageSize: 1_000,
            pageToken,
          });
          pages.push(page.observations.map(({ observation }) => observation));
          pageToken = page.nextPageToken;
          if (pageToken === "") return pages;
        }
      },
      async single() {
        const { observations } = await reader.listObservations({
          ...about,
          code: { code: WEIGHT },
          pageSize: 1,
        });
        return (await reader.getObservation({ ...about, observation: observations[0]!.id })).observation!
          .observation!;
      },
    };
  }
  return { world, maker, clinic, patientOf };
}

describe("a mask", () => {
  it("gives the answers of a record in which nobody had written anything: pages, single ones, exactly as long", async () => {
    const { patientOf } = await openMasked();
    const model = await patientOf(true, {});
    const masked = await patientOf(false, { masks: both });
    const whole = await patientOf(false, {});
    expect(await masked.pages()).toEqual(await model.pages());
    expect(await masked.single()).toEqual(await model.single());
    // Without the mask pages end sooner, so that it is their ends that are compared.
    expect((await whole.pages()).length).toBeGreaterThan((await model.pages()).length);
    expect(await whole.single()).toMatchObject({ performer: "the night nurse", codeText: "my weight" });
    const performed = await patientOf(false, { masks: [Mask.NOTES] });
    expect(await performed.single()).toMatchObject({ performer: "the night nurse", codeText: "", notes: [] });
  });

  it("is lifted where another permission lets the same data through whole, of that time and that contributor alone", async () => {
    const { patientOf, maker } = await openMasked();
    const window = { from: T0, to: T0 + HOUR };
    const view = await patientOf(
      false,
      { masks: both },
      { window },
      { masks: [Mask.NOTES], sources: { only: [maker.organization] } },
    );
    const told = (await view.pages()).flat() as { notes: string[]; performer: string }[];
    expect(told.map(({ notes, performer }) => [notes.length, performer])).toEqual([
      ...Array.from({ length: 59 }, () => [0, "the night nurse"]),
      [8, "the night nurse"],
    ]);
  });

  it("permits no clinical record, also not by its id; samples and the patient's own reads are whole", async () => {
    const { world, maker, clinic, patientOf } = await openMasked();
    const { patient, contribution, about } = await patientOf(false, { masks: [Mask.PERFORMER] });
    const scene = { world, hospital: maker, clinic, patient, consent: "", contribution };
    const { record } = await store(scene, condition(scene, "J45.20"), maker);
    await append({ world, maker, patient }, "s", [heartRates(T0, [70])]);
    const { records } = await world.clinical(clinic).listClinicalRecords(about);
    expect(records).toEqual([]);
    const id = world.outerId(clinic, world.innerId(maker, record));
    const get = world.clinical(clinic).getClinicalRecord({ ...about, record: id });
    expect(await reasonOf(get)).toBe("NOT_FOUND");
    const query = { ...about, code: { code: "8867-4" } };
    expect((await world.reader(clinic).querySeries(query)).series).toHaveLength(1);
    const own = { patient: world.ownId(patient), purpose: Purpose.PATIENT_REQUEST, code: { code: WEIGHT } };
    const { observations } = await world.own(patient).listObservations(own);
    expect(observations[0]!.observation!.performer).toBe("the night nurse");
    await world.grant(patient, {
      organization: clinic.organization,
      direction: Direction.READ,
      codes: everything,
    });
    expect((await world.clinical(clinic).listClinicalRecords(about)).records).toHaveLength(1);
  });

  it("of notes leaves no text in any field of the contract but codes, units, numbers and the sender's own name for it", () => {
    const filled = fill(ObservationSchema, 4);
    const rest = Buffer.from(toBinary(ObservationSchema, filled.message as never)).toString("base64");
    const left = (masks: Mask[]) => {
      const names = new Set(
        masks.map((mask) => (mask === Mask.NOTES ? ("notes" as const) : ("performer" as const))),
      );
      return textsIn(
        reflect(
          ObservationSchema,
          fromBinary(ObservationSchema, Buffer.from(withoutMasked(rest, names)!, "base64")),
        ),
      );
    };
    const texts = ["codeText", "notes", "text"];
    expect([...left([])]).toEqual(expect.arrayContaining([...texts, "performer", "display", "externalId"]));
    expect([...left([Mask.PERFORMER])]).toEqual(expect.arrayContaining(texts));
    expect([...left([Mask.PERFORMER])]).not.toContain("performer");
    // Of a stored observation the first are empty: they are members of the record, and told only to who sent them, or not at all.
    const members = ["effectiveTimeText", "externalId", "identifier", "model"];
    expect([...left(both)].sort()).toEqual(["code", "display", ...members, "system", "unit", "value"].sort());
  });
});

/** A message of which every field says something, so many levels deep; of a oneof its text, where it has one. */
function fill<D extends DescMessage>(schema: D, depth: number): ReflectMessage {
  const message = reflect(schema, create(schema));
  for (const field of schema.fields) {
    if (field.oneof?.fields.some(({ name }) => name === "text") && field.name !== "text") continue;
    if (field.fieldKind === "scalar" && field.scalar === 9) message.set(field, "x");
    else if (field.fieldKind === "list" && field.listKind === "scalar" && field.scalar === 9)
      message.get(field).add("x");
    else if (depth === 0) continue;
    else if (field.fieldKind === "message") message.set(field, fill(field.message, depth - 1));
    else if (field.fieldKind === "list" && field.listKind === "message")
      message.get(field).add(fill(field.message, depth - 1));
  }
  return message;
}

/** Names of the fields that hold text, at any depth. */
function textsIn(message: ReflectMessage): Set<string> {
  const names = new Set<string>();
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    if (field.fieldKind === "scalar" && field.scalar === 9) names.add(field.localName);
    if (field.fieldKind === "message") for (const name of textsIn(message.get(field))) names.add(name);
    if (field.fieldKind !== "list") continue;
    if (field.listKind === "scalar" && field.scalar === 9) names.add(field.localName);
    if (field.listKind === "message") {
      for (const item of message.get(field))
        for (const name of textsIn(item as ReflectMessage)) names.add(name);
    }
  }
  return names;
}
