import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Decision } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { DenialReason } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { partition } from "./installation.ts";
import { denial, problem, reading } from "./messages.ts";
import { day, heartRate, openScene } from "./requests-scene.ts";

const steps = "55423-8";
const codes = ["", heartRate, steps, "no-code"];
const question = { partition, purpose: Purpose.TREATMENT, region: "local", codes };
const daily = { ...reading, resolution: Resolution.DAILY };
const both = { ...reading, categories: [{ name: "heart" }, { name: "activity" }] };

/** What is permitted, without what only a consent that was granted has: its id and version. */
const permitted = ({ grants, denialReason }: Decision) => ({
  denialReason,
  grants: grants.map(({ resolution, window, validity, provision }) => ({
    resolution,
    window,
    validity,
    provision,
  })),
});

async function openForesight() {
  const scene = await openScene();
  const decisions = scene.decisions();
  return {
    ...scene,
    async foresee(view: Parameters<typeof decisions.foresee>[0]["view"], more: object = {}) {
      const { organization, time, decisions: all } = await decisions.foresee({ ...question, view, ...more });
      return { organization, time: timestampMs(time!), decisions: all };
    },
    /** Without how long a no may be kept: nobody keeps what is foreseen. */
    async decided() {
      const asked = { partition, organization: "org_clinic", direction: Direction.READ, region: "local" };
      const decide = async (code: string) =>
        (await decisions.decide({ question: { ...asked, code, purpose: question.purpose } })).decision!;
      const made = await Promise.all(codes.map(decide));
      for (const decision of made) delete decision.deniedUntil;
      return made;
    },
  };
}

/** A consent of some provisions, as a client writes them. */
const provisions = fc.array(
  fc.oneof(
    fc.record({
      effect: fc.constant(reading.effect),
      directions: fc.constant([Direction.READ]),
      categories: fc.subarray([{ name: "heart" }, { name: "activity" }], { minLength: 1 }),
      purposes: fc.subarray([Purpose.TREATMENT, Purpose.RESEARCH], { minLength: 1 }),
      resolution: fc.constantFrom(Resolution.RAW, Resolution.HOURLY, Resolution.DAILY),
      window: fc.option(
        fc.constant({
          case: "capturedWithin" as const,
          value: { startTime: timestampFromMs(0), endTime: timestampFromMs(90 * day) },
        }),
        { nil: { case: undefined } },
      ),
    }),
    fc.record({
      effect: fc.constant(denial.effect),
      directions: fc.constant([Direction.READ]),
      categories: fc.constant([{ name: "activity" }]),
      sources: fc.constantFrom(undefined, { organizations: ["org_maker"] }),
      window: fc.constant({
        case: "capturedWithin" as const,
        value: { startTime: timestampFromMs(30 * day), endTime: timestampFromMs(60 * day) },
      }),
    }),
  ),
  { minLength: 1, maxLength: 3 },
);

describe("what is foreseen", () => {
  it("is what is decided once it is granted, whatever was granted before", async () => {
    const { foresee, decided, patient } = await openForesight();
    let requests = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(provisions, { maxLength: 2 }), provisions, async (before, next) => {
        const granted: string[] = [];
        const create = async (given: typeof next) => {
          const consent = { grantee: "org_clinic", provisions: given };
          const requestId = `f${++requests}`;
          const made = await patient().createConsent({ consent: consent as never, requestId });
          granted.push(made.consent!.id);
        };
        for (const one of before) await create(one);
        const asItIs = await foresee({ case: "organization", value: "org_clinic" });
        expect(asItIs.decisions).toEqual(await decided());
        const grant = { grantee: "org_clinic", provisions: next };
        const foreseen = await foresee({ case: "grant", value: grant as never });
        expect(await decided()).toEqual(asItIs.decisions);
        await create(next);
        const now = await decided();
        expect(foreseen.decisions.map(permitted)).toEqual(now.map(permitted));
        const own = await foresee({ case: "consent", value: granted.at(-1)! });
        for (const [at, { grants }] of own.decisions.entries()) {
          expect(grants).toEqual(now[at]!.grants.filter(({ consent }) => consent === granted.at(-1)));
        }
        for (const consent of granted) await patient().revokeConsent({ consent });
      }),
      { numRuns: 5, seed: 71 },
    );
  });

  it("is of an acceptance what is decided once it is accepted so, and for a renewal of the consent that it continues", async () => {
    const { foresee, decided, ask, accept } = await openForesight();
    const { id } = await ask({ provisions: [both] });
    const narrow = { consentRequest: id, provisions: [daily] };
    const foreseen = await foresee({ case: "acceptance", value: narrow as never });
    expect(foreseen.organization).toBe("org_clinic");
    expect((await decided()).every(({ grants }) => grants.length === 0)).toBe(true);
    const { consent } = await accept(id, { provisions: [daily] });
    expect(foreseen.decisions.map(permitted)).toEqual((await decided()).map(permitted));
    const renewal = await ask({ provisions: [both], continues: consent!.id });
    const whole = { consentRequest: renewal.id };
    const next = await foresee({ case: "acceptance", value: whole as never });
    // In place of the consent, not beside it.
    expect(next.decisions[1]!.grants.map(({ resolution }) => resolution)).toEqual([Resolution.HOURLY]);
    await accept(renewal.id);
    expect(next.decisions.map(permitted)).toEqual((await decided()).map(permitted));
    // What is decided is not foreseen any more.
    const late = problem(foresee({ case: "acceptance", value: whole as never }));
    expect(await late).toMatchObject({ reason: "CONSENT_REQUEST_DECIDED" });
  });

  it("is as of its begin where it has not begun, and of an end nothing", async () => {
    const { foresee, clock, patient } = await openForesight();
    const begin = clock.now() + 3 * day;
    const validity = { startTime: timestampFromMs(begin), endTime: timestampFromMs(begin + day) };
    const window = { case: "capturedInLast" as const, value: { seconds: 86_400n, nanos: 0 } };
    const grant = { grantee: "org_clinic", provisions: [{ ...reading, window }], validity };
    const foreseen = await foresee({ case: "grant", value: grant as never });
    expect(foreseen.time).toBe(begin);
    expect(timestampMs(foreseen.decisions[1]!.grants[0]!.window!.startTime!)).toBe(begin - day);
    const { consent } = await patient().createConsent({ consent: grant, requestId: "later" });
    expect((await foresee({ case: "consent", value: consent!.id })).time).toBe(begin);
    // By now nobody reads by it.
    const now = await foresee({ case: "organization", value: "org_clinic" });
    expect(Math.abs(now.time - clock.now())).toBeLessThan(60_000);
    await patient().revokeConsent({ consent: consent!.id });
    const over = await foresee({ case: "consent", value: consent!.id });
    expect(over.decisions[1]).toMatchObject({ grants: [], denialReason: DenialReason.REVOKED });
  });

  it("refuses what granting and accepting refuse, by the place in the preview", async () => {
    const { foresee, ask, patient } = await openForesight();
    const grant = (change: object) =>
      problem(
        foresee({
          case: "grant",
          value: { grantee: "org_clinic", provisions: [reading], ...change } as never,
        }),
      );
    expect(await grant({ provisions: [{ ...reading, categories: [{ name: "shoes" }] }] })).toMatchObject({
      violations: [{ field: "grant.provisions[0].categories[0].name" }],
    });
    expect(await grant({ provisions: [] })).toMatchObject({ violations: [{ field: "grant.provisions" }] });
    const { id } = await ask();
    const wider = { consentRequest: id, provisions: [both] };
    expect(await problem(foresee({ case: "acceptance", value: wider as never }))).toMatchObject({
      violations: [{ field: "acceptance.provisions[0]", reason: "BEYOND_REQUEST" }],
    });
    const others = { consentRequest: "crq_of_nobody" };
    expect(await problem(foresee({ case: "acceptance", value: others as never }))).toMatchObject({
      reason: "NOT_FOUND",
    });
    const { consent } = await patient().createConsent({
      consent: { grantee: "org_clinic", provisions: [reading] },
      requestId: "theirs",
    });
    const stranger = { partition: "local/pat_00000000000000000000000002" };
    const asked = problem(foresee({ case: "consent", value: consent!.id }, stranger));
    expect(await asked).toMatchObject({ reason: "NOT_FOUND" });
  });

  it("has for who acts for a minor no consent to the minor's own care, and no denial in one", async () => {
    const { foresee, patient } = await openForesight();
    const hidden = { hiddenCategories: ["sleep"] };
    const sleep = { ...reading, categories: [{ name: "heart" }, { name: "sleep" }] };
    const { consent } = await patient().createConsent({
      consent: { grantee: "org_clinic", provisions: [sleep] },
      requestId: "own",
    });
    const view = { case: "organization" as const, value: "org_clinic" };
    const [, byMinor] = (await foresee(view)).decisions;
    const [, byGuardian] = (await foresee(view, hidden)).decisions;
    expect([byMinor!.grants.length, byGuardian!.grants.length]).toEqual([1, 0]);
    expect(byGuardian!.denialReason).toBe(DenialReason.NO_CONSENT);
    const one = problem(foresee({ case: "consent", value: consent!.id }, hidden));
    expect(await one).toMatchObject({ reason: "NOT_FOUND" });
    const grant = { grantee: "org_clinic", provisions: [sleep] };
    const given = problem(foresee({ case: "grant", value: grant as never }, hidden));
    expect(await given).toMatchObject({ reason: "NOT_FOR_REPRESENTATIVES" });
  });

  it("is nothing of an erased patient, and leaves no entry and no change", async () => {
    const { foresee, decisions, logged, patient, store } = await openForesight();
    await patient().createConsent({
      consent: { grantee: "org_clinic", provisions: [reading] },
      requestId: "c1",
    });
    const entries = (await logged()).length;
    const before = await store.get("current_consents", [partition]);
    const grant = { grantee: "org_clinic", provisions: [both] };
    await foresee({ case: "grant", value: grant as never });
    expect((await logged()).length).toBe(entries);
    expect(await store.get("current_consents", [partition])).toEqual(before);
    await decisions().revokeAllConsents({ partition });
    const erased = problem(foresee({ case: "grant", value: grant as never }));
    expect(await erased).toMatchObject({ reason: "PATIENT_ERASED" });
    const { decisions: none } = await foresee({ case: "organization", value: "org_clinic" });
    expect(none.every(({ grants }) => grants.length === 0)).toBe(true);
  });
});
