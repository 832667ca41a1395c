import { Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { append, heartRates, openScene, reasonOf, STEPS, samplesOf } from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);

type Scene = Awaited<ReturnType<typeof openScene>>;

function watch({ world, clinic, patient }: Scene, options: { after?: bigint; codes?: string[] } = {}) {
  const abort = new AbortController();
  const request = {
    patient: world.idFor(clinic, patient),
    codes: (options.codes ?? ["8867-4"]).map((code) => ({ code })),
    purpose: Purpose.TREATMENT,
    ...(options.after === undefined ? {} : { afterSequence: options.after }),
  };
  const messages = world
    .reader(clinic)
    .watchSeries(request, { signal: abort.signal })
    [Symbol.asyncIterator]();
  return {
    abort,
    async next() {
      const { payload } = (await messages.next()).value!;
      switch (payload.case) {
        case "start":
          return { start: payload.value.sequence };
        case "series":
          return {
            sequence: payload.value.sequence,
            values: samplesOf(payload.value.series!).map(([, value]) => value),
          };
        case "retraction":
          return { sequence: payload.value.sequence, retracted: payload.value.retractedSequence };
        default:
          throw new Error("an empty message");
      }
    },
  };
}

describe("WatchSeries", () => {
  it("takes time that passes for no change of a consent with a sliding window", async () => {
    const scene = await openScene({ lastMs: 60_000 });
    const { world } = scene;
    const stream = watch(scene);
    expect(await stream.next()).toMatchObject({});
    for (const value of [70, 71, 72]) {
      const old = heartRates(Date.now() - 120_000, [1]);
      await append(scene, `r${value}`, [heartRates(Date.now() - 1_000 + value, [value]), old]);
      expect(await stream.next()).toMatchObject({ values: [value] });
    }
    const phases = (await world.accesses()).filter(({ direction }) => direction === Direction.READ);
    expect(phases.map(({ phase }) => phase)).toEqual([Access_Phase.OPENED]);
  });

  it("delivers what arrives from now on, retractions too", async () => {
    const scene = await openScene();
    const { world, maker, patient } = scene;
    await append(scene, "r0", [heartRates(T0, [60])]);
    const stream = watch(scene);
    expect(await stream.next()).toEqual({ start: 1n });
    const { batch } = await append(scene, "r1", [
      heartRates(T0, [70, 71]),
      { ...heartRates(T0, [5]), code: { code: STEPS }, unit: "{steps}" },
    ]);
    expect(await stream.next()).toEqual({ sequence: 2n, values: [70, 71] });
    await append(scene, "r2", [heartRates(T0 + 3_600_000, [72])]);
    expect(await stream.next()).toEqual({ sequence: 3n, values: [72] });
    await world.writer(maker).retractBatch({
      retraction: { patient: world.idFor(maker, patient), batch, reason: RetractionReason.WRONG_PATIENT },
    });
    expect(await stream.next()).toEqual({ sequence: 4n, retracted: 2n });
    stream.abort.abort();
  });

  it("catches up from a sequence that the reader names", async () => {
    const scene = await openScene();
    await append(scene, "r1", [heartRates(T0, [70])]);
    await append(scene, "r2", [heartRates(T0, [71])]);
    const stream = watch(scene, { after: 1n });
    expect(await stream.next()).toEqual({ start: 1n });
    expect(await stream.next()).toEqual({ sequence: 2n, values: [71] });
    stream.abort.abort();
  });

  it("ends with CONSENT_REVOKED within a second of the revocation", async () => {
    const scene = await openScene();
    const stream = watch(scene);
    await stream.next();
    const ending = reasonOf(stream.next());
    await scene.world.consent.revoke(scene.consent);
    const revoked = performance.now();
    expect(await ending).toBe("CONSENT_REVOKED");
    expect(performance.now() - revoked).toBeLessThan(1_000);
  });

  it("needs consent for every code", async () => {
    const scene = await openScene();
    expect(await reasonOf(watch(scene, { codes: ["8867-4", STEPS] }).next())).toBe("CONSENT_REQUIRED");
  });

  it("sends nothing that is committed after a revocation", async () => {
    const scene = await openScene();
    const stream = watch(scene);
    await stream.next();
    const ending = reasonOf(stream.next());
    await scene.world.consent.revoke(scene.consent);
    await append(scene, "r1", [heartRates(T0, [70])]);
    expect(await ending).toBe("CONSENT_REVOKED");
  });

  it("ends as undecided, not as revoked, when consent can't be decided for long", async () => {
    const scene = await openScene();
    const stream = watch(scene);
    await stream.next();
    scene.world.consent.state.reachable = false;
    expect(await reasonOf(stream.next())).toBe("UNDECIDED");
  });
});
