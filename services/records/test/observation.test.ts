import { type MessageInitShape, toJsonString } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import {
  type ListObservationsRequestSchema,
  ListObservationsResponseSchema,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import type { ObservationSchema } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { append, application, heartRates, openScene, queryInit, reasonOf, STEPS, WEIGHT } from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const DAY = 86_400_000;

type Scene = Awaited<ReturnType<typeof openScene>>;
type ListOptions = Omit<MessageInitShape<typeof ListObservationsRequestSchema>, "code" | "$typeName"> & {
  code?: string;
};
type ObservationInit = MessageInitShape<typeof ObservationSchema>;

function weight(time: number, value: string, code = WEIGHT): ObservationInit {
  return {
    code: { code },
    effective: { case: "effectiveTime", value: timestampFromMs(time) },
    utcOffsetMinutes: 120,
    value: { case: "quantity", value: { value, unit: "kg" } },
    device: { identifier: "scale-1", model: "Scale" },
  };
}

async function send({ world, maker, patient }: Scene, requestId: string, observations: ObservationInit[]) {
  const batch = { requestId, patient: world.idFor(maker, patient), observations };
  return (await world.writer(maker).appendObservations({ batch })).receipt!;
}

function list({ world, clinic, patient }: Scene, { code = WEIGHT, ...options }: ListOptions = {}) {
  const { patient: id, purpose, interval } = queryInit(world.idFor(clinic, patient), {});
  return world
    .reader(clinic)
    .listObservations({ patient: id, purpose, interval, code: { code }, ...options });
}

function valuesOf(page: Awaited<ReturnType<typeof list>>) {
  return page.observations.map(({ observation }) => (observation!.value.value as { value: string }).value);
}

describe("observations", () => {
  it("are listed newest first and exactly as sent, over blocks that reach into one another", async () => {
    const scene = await openScene();
    await send(scene, "r1", [
      weight(T0 + 20 * DAY, "82.0"),
      weight(T0, "80.10"),
      weight(T0 + 40 * DAY, "84"),
    ]);
    await send(scene, "r2", [weight(T0 + 10 * DAY, "81"), weight(T0 + 30 * DAY, "83")]);
    const page = await list(scene);
    expect(valuesOf(page)).toEqual(["84", "83", "82.0", "81", "80.10"]);
    expect(page.observations[0]!.source).toMatchObject({
      organization: scene.maker.organization,
      deviceModel: "Scale",
    });
    expect(page.observations[0]!.observation!.device).toBeUndefined();
    const { interval } = queryInit("", { from: T0 + 10 * DAY, to: T0 + 30 * DAY });
    expect(valuesOf(await list(scene, { interval }))).toEqual(["82.0", "81"]);
  });

  it("come in pages that stay right while newer ones are added", async () => {
    const scene = await openScene();
    const times = Array.from({ length: 40 }, (_, i) => T0 + (i % 8) * DAY); // five at each time
    await send(
      scene,
      "r1",
      times.map((time, i) => weight(time, String(i))),
    );
    const values: string[] = [];
    let pageToken = "";
    do {
      const page = await list(scene, { pageSize: 7, pageToken });
      values.push(...valuesOf(page));
      pageToken = page.nextPageToken;
      await send(scene, `newer-${values.length}`, [weight(T0 + 50 * DAY, "999")]);
    } while (pageToken !== "");
    expect(values.map(Number).sort((a, b) => a - b)).toEqual(times.map((_, i) => i));
  });

  it("come in fewer a page where an answer of 1 MiB would not hold them", async () => {
    const scene = await openScene();
    const notes = Array.from({ length: 8 }, () => '"'.repeat(2_000));
    const times = Array.from({ length: 120 }, (_, i) => T0 + i * DAY);
    await send(
      scene,
      "r1",
      times.map((time, i) => ({ ...weight(time, String(i)), notes })),
    );
    const values: string[] = [];
    let pageToken = "";
    do {
      const page = await list(scene, { pageSize: 1_000, pageToken });
      expect(Buffer.byteLength(toJsonString(ListObservationsResponseSchema, page))).toBeLessThan(2 ** 20);
      values.push(...valuesOf(page));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(values).toEqual(times.map((_, i) => String(119 - i)));
  });

  it("are not found by who acts in the name of a minor whose own care they are", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    await send(scene, "r1", [weight(T0, "80")]);
    const asked = { patient: world.ownId(patient), purpose: Purpose.PATIENT_REQUEST };
    const actor = { kind: "guardian", id: "usr_1" } as const;
    const [found] = (await world.own(patient, actor).listObservations({ ...asked, code: { code: WEIGHT } }))
      .observations;
    const get = (observation: string, hides?: readonly string[]) =>
      world.own(patient, actor, hides).getObservation({ ...asked, observation });
    await get(found!.id);
    expect(await reasonOf(get(found!.id, ["body"]))).toBe("NOT_FOUND");
    expect(await reasonOf(get(found!.id.replace(/_0$/, "_7"), ["body"]))).toBe("NOT_FOUND");
  });

  it("are found one by one under ids that mean nothing to another organization", async () => {
    const scene = await openScene();
    const { world, clinic, patient } = scene;
    await send(scene, "r1", [weight(T0, "80"), weight(T0 + DAY, "81")]);
    const [newest] = (await list(scene)).observations;
    expect(newest!.id).toMatch(/^obs_[0-9a-z]{26}_1$/);
    const get = (as: typeof clinic, observation: string) =>
      world.reader(as).getObservation({
        patient: world.idFor(as, patient),
        observation,
        purpose: Purpose.TREATMENT,
      });
    const found = await get(clinic, newest!.id);
    expect(timestampMs(found.observation!.observation!.effective.value as never)).toBe(T0 + DAY);
    const second = application();
    await world.grant(patient, {
      organization: second.organization,
      direction: Direction.READ,
      codes: [WEIGHT],
    });
    expect(await reasonOf(get(second, newest!.id))).toBe("NOT_FOUND");
    expect(await reasonOf(get(clinic, `${newest!.id}0`))).toBe("NOT_FOUND");
    expect(await reasonOf(get(clinic, "obs_1"))).toBe("NOT_FOUND");
    expect(await reasonOf(get(application(), newest!.id))).toBe("CONSENT_REQUIRED");
    expect(await reasonOf(get(application(), "obs_1"))).toBe("CONSENT_REQUIRED");
  });

  it("of a code that is not covered stay hidden, and so do retracted ones", async () => {
    const scene = await openScene();
    const { world, maker, clinic, patient } = scene;
    await send(scene, "r1", [weight(T0, "80")]);
    const { batch } = await send(scene, "r2", [weight(T0 + DAY, "81"), weight(T0, "9000", STEPS)]);
    expect(await reasonOf(list(scene, { code: STEPS }))).toBe("CONSENT_REQUIRED");
    const [newest] = (await list(scene)).observations;
    const steps = newest!.id.replace(/_0$/, "_1");
    const get = (observation: string) =>
      world.reader(clinic).getObservation({
        patient: world.idFor(clinic, patient),
        observation,
        purpose: Purpose.TREATMENT,
      });
    expect(await reasonOf(get(steps))).toBe("CONSENT_REQUIRED");
    await world.writer(maker).retractBatch({
      retraction: {
        patient: world.idFor(maker, patient),
        target: { case: "batch" as const, value: batch },
        reason: RetractionReason.ENTERED_IN_ERROR,
      },
    });
    expect(valuesOf(await list(scene))).toEqual(["80"]);
    expect(await reasonOf(get(newest!.id))).toBe("NOT_FOUND");
  });

  it("are not for readers of hourly or daily data", async () => {
    const scene = await openScene({ resolution: Resolution.DAILY });
    expect(await reasonOf(list(scene))).toBe("RESOLUTION_TOO_FINE");
  });

  it("do not share request ids with series", async () => {
    const scene = await openScene();
    await append(scene, "r1", [heartRates(T0, [70])]);
    expect(await reasonOf(send(scene, "r1", [weight(T0, "80")]))).toBe("REQUEST_ID_REUSED");
  });
});
