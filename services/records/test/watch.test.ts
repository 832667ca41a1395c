import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { RetractionReason } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it, onTestFinished } from "vitest";
import { resumeTokenAfter } from "./watching.ts";
import {
  append,
  application,
  heartRates,
  openScene,
  reasonOf,
  STEPS,
  samplesOf,
  type TestApplication,
  WEIGHT,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const HOUR = 3_600_000;

type Scene = Awaited<ReturnType<typeof openScene>>;

interface WatchedMessage {
  readonly token: string;
  readonly start?: string;
  readonly batch?: string;
  readonly values?: readonly number[];
  readonly retracted?: string;
  readonly codes?: readonly string[];
  readonly interval?: readonly number[];
}

interface WatchOptions {
  readonly resumeToken?: string;
  readonly codes?: readonly string[];
  readonly as?: TestApplication;
}

function requestOf({ world, clinic, patient }: Scene, { codes = ["8867-4"], as = clinic }: WatchOptions) {
  return {
    patient: world.idFor(as, patient),
    codes: codes.map((code) => ({ code })),
    purpose: Purpose.TREATMENT,
  };
}

function watch(scene: Scene, options: WatchOptions = {}) {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const { resumeToken = "", as = scene.clinic } = options;
  const messages = scene.world
    .reader(as)
    .watchSeries({ ...requestOf(scene, options), resumeToken }, { signal: abort.signal })
    [Symbol.asyncIterator]();
  return {
    abort,
    async next(): Promise<WatchedMessage> {
      const { payload, resumeToken: token } = (await messages.next()).value!;
      switch (payload.case) {
        case "start":
          return { start: payload.value.access.slice(0, 4), token };
        case "series":
          return {
            batch: payload.value.batch,
            values: samplesOf(payload.value.series!).map(([, value]) => value),
            token,
          };
        case "retraction": {
          const { batch, codes, interval } = payload.value;
          const told = [interval?.startTime, interval?.endTime].map((time) => timestampMs(time!));
          return {
            retracted: batch,
            codes: codes.map((coding: { code: string }) => coding.code),
            interval: told,
            token,
          };
        }
        default:
          throw new Error("an empty message");
      }
    },
  };
}

function retract({ world, maker, patient }: Scene, batch: string) {
  return world.writer(maker).retractBatch({
    retraction: {
      patient: world.idFor(maker, patient),
      target: { case: "batch" as const, value: batch },
      reason: RetractionReason.WRONG_PATIENT,
    },
  });
}

const token = expect.stringMatching(/^[A-Za-z0-9_-]{48}$/);

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
    await append(scene, "r0", [heartRates(T0, [60])]);
    const stream = watch(scene);
    expect(await stream.next()).toEqual({ start: "acc_", token });
    const receipt = await append(scene, "r1", [
      heartRates(T0, [70, 71]),
      { ...heartRates(T0, [5]), code: { code: STEPS }, unit: "{steps}" },
    ]);
    const first = await stream.next();
    expect(first).toMatchObject({ values: [70, 71], batch: expect.stringMatching(/^bat_[0-9a-z]{26}$/) });
    await append(scene, "r2", [heartRates(T0 + HOUR, [72])]);
    const second = await stream.next();
    expect(second.values).toEqual([72]);
    expect(new Set([first.batch, second.batch, receipt.batch]).size).toBe(3);
    await retract(scene, receipt.batch);
    expect(await stream.next()).toEqual({
      retracted: first.batch,
      codes: ["8867-4"], // nothing of the steps, which the clinic may not read
      interval: [T0, T0 + 60_001],
      token,
    });
  });

  it("goes on after a cut at any message, without a loss, and repeats at most the batch that was cut", async () => {
    const scene = await openScene({ codes: ["8867-4", WEIGHT] });
    const codes = ["8867-4", WEIGHT];
    const weights = { ...heartRates(T0, [80]), code: { code: WEIGHT }, unit: "kg" };
    const beginning = (await watch(scene, { codes }).next()).token;
    const many = (value: number) => Array.from({ length: 25_000 }, () => value);
    // Three messages of one series, then one of another; one whole; two series; a retraction.
    await append(scene, "r1", [heartRates(T0, many(61), 1_000), weights]);
    await append(scene, "r2", [heartRates(T0 + 100 * HOUR, [62])]);
    const { batch } = await append(scene, "r3", [heartRates(T0 + 200 * HOUR, [63]), weights]);
    await append(scene, "r4", [heartRates(T0 + 300 * HOUR, [64])]);
    await retract(scene, batch);
    await append(scene, "r5", [heartRates(T0 + 400 * HOUR, [65])]);
    const isLast = ({ values }: WatchedMessage) => values?.at(-1) === 65;
    const rest = async (resumeToken: string) => {
      const stream = watch(scene, { codes, resumeToken });
      const messages: WatchedMessage[] = [];
      await stream.next();
      while (messages.length === 0 || !isLast(messages.at(-1)!)) messages.push(await stream.next());
      stream.abort.abort();
      return messages;
    };
    const named = ({ batch: of, values, retracted }: WatchedMessage) =>
      JSON.stringify([of ?? retracted, values?.length, values?.[0]]);
    const all = await rest(beginning);
    expect(all.map(({ values, retracted }) => retracted !== undefined || values!.length)).toEqual([
      ...[10_000, 10_000, 5_000, 1], // r1
      1, // r2
      1, // r4; r3 is hidden by now
      true,
      1, // r5
    ]);
    for (const [cut, message] of all.slice(0, -1).entries()) {
      const again = await rest(message.token);
      const sameBatch = all.filter(({ batch: of, retracted }) =>
        of === undefined ? retracted === message.retracted : of === message.batch,
      );
      const whole = sameBatch.at(-1) === message;
      const expected = whole ? all.slice(cut + 1) : all.slice(all.indexOf(sameBatch[0]!));
      expect([cut, again.map(named)]).toEqual([cut, expected.map(named)]);
    }
  });

  it("tells a retraction where the reader may see some of it, cut to that, and leaves no trace elsewhere", async () => {
    const scene = await openScene({ window: { from: T0, to: T0 + HOUR } });
    const { world } = scene;
    const stream = watch(scene);
    await stream.next();
    const before = await append(scene, "before", [heartRates(T0 - HOUR, [60, 61])]);
    // Reaches over the window, and has nothing in it.
    const around = await append(scene, "around", [heartRates(T0 - HOUR, [62, 63], 3 * HOUR)]);
    const steps = await append(scene, "steps", [
      { ...heartRates(T0, [5]), code: { code: STEPS }, unit: "{steps}" },
    ]);
    const half = await append(scene, "half", [heartRates(T0 - 60_000, [64, 65, 66])]);
    const seen = await stream.next();
    expect(seen.values).toEqual([65, 66]);
    for (const { batch } of [before, around, steps, half]) await retract(scene, batch);
    await append(scene, "last", [heartRates(T0 + 600_000, [67])]);
    const told = { retracted: seen.batch, codes: ["8867-4"], interval: [T0, T0 + 60_001], token };
    expect(await stream.next()).toEqual(told);
    expect((await stream.next()).values).toEqual([67]);
    // Also to one who was not there, and out of what was compacted by then.
    const resumed = watch(scene, { resumeToken: resumeTokenAfter(scene, requestOf(scene, {}), 0) });
    await resumed.next();
    expect(await resumed.next()).toEqual(told);
    expect((await resumed.next()).values).toEqual([67]);
    expect(world.folder).toBeDefined();
  });

  it("names a batch to each reader otherwise, and no token tells how much others sent", async () => {
    const scene = await openScene();
    const { world, patient } = scene;
    const second = application();
    await world.grant(patient, {
      organization: second.organization,
      direction: Direction.READ,
      codes: ["8867-4"],
    });
    const [one, other] = [watch(scene), watch(scene, { as: second })];
    const [start] = await Promise.all([one.next(), other.next()]);
    await append(scene, "r1", [heartRates(T0, [70])]);
    const [atOne, atOther] = await Promise.all([one.next(), other.next()]);
    expect(atOne.values).toEqual(atOther.values);
    expect(atOne.batch).not.toBe(atOther.batch);
    for (let i = 0; i < 12; i++) {
      await append(scene, `steps-${i}`, [
        { ...heartRates(T0 + i * HOUR, [5]), code: { code: STEPS }, unit: "{steps}" },
      ]);
    }
    await append(scene, "r2", [heartRates(T0, [71])]);
    const later = await one.next();
    expect(later.token).toHaveLength(start.token.length);
    expect(Object.keys(later).sort()).toEqual(["batch", "token", "values"]);
  });

  it("refuses a token that is forged, of another query or caller, or of what the server does not have", async () => {
    const scene = await openScene({ codes: ["8867-4", WEIGHT] });
    const { world, patient } = scene;
    const second = application();
    await world.grant(patient, {
      organization: second.organization,
      direction: Direction.READ,
      codes: ["8867-4"],
    });
    const { token: resumeToken } = await watch(scene).next();
    const refused = (options: WatchOptions) => reasonOf(watch(scene, options).next());
    expect(await refused({ resumeToken })).toBe("OK");
    const forged = `${resumeToken.slice(0, -1)}${resumeToken.endsWith("_") ? "-" : "_"}`;
    expect(await refused({ resumeToken: forged })).toBe("INVALID_RESUME_TOKEN");
    expect(await refused({ resumeToken, codes: [WEIGHT] })).toBe("INVALID_RESUME_TOKEN");
    expect(await refused({ resumeToken, as: second })).toBe("INVALID_RESUME_TOKEN");
    const ahead = resumeTokenAfter(scene, requestOf(scene, {}), 7);
    expect(await refused({ resumeToken: ahead })).toBe("INVALID_RESUME_TOKEN");
    await expect(watch(scene, { resumeToken: ahead }).next()).rejects.toThrow("restored from a backup");
  });

  it("ends with CONSENT_REVOKED by the revocation itself: it would look by itself half a minute later", async () => {
    const scene = await openScene();
    const stream = watch(scene);
    await stream.next();
    const ending = reasonOf(stream.next());
    await scene.world.consent.revoke(scene.consent);
    expect(await ending).toBe("CONSENT_REVOKED");
  }, 20_000);

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
