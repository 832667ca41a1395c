import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { Access_Outcome, Access_Phase } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { systemClock } from "@wellapi/runtime";
import { describe, expect, it, onTestFinished } from "vitest";
import { everything } from "./clinical/clinical-scene.ts";
import type { TestConsent } from "./fake-consent.ts";
import {
  append,
  HEART_RATE,
  heartRates,
  openScene,
  queryInit,
  reasonOf,
  STEPS,
  type WorldOptions,
} from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const hour = 3_600_000;

/** A clinic without a consent, one of whose clinicians has opened emergency access. */
async function openEmergency(options: WorldOptions = {}) {
  const scene = await openScene({ codes: [], purposes: [] }, options);
  const { world, clinic, patient } = scene;
  await append(scene, "r1", [heartRates(T0, [70, 71, 72])]);
  const { organization } = clinic;
  const access = await world.grant(patient, {
    organization,
    direction: Direction.READ,
    // The real one asks for no code: it permits also the question whether there is anything.
    codes: [HEART_RATE, ""],
    purposes: [Purpose.EMERGENCY],
    emergency: { person: "usr_doctor", until: Date.now() + hour },
  });
  const as = (assurance: "code" | "passkey" | "fresh", id = "usr_doctor") =>
    world.member(organization, { id, roles: ["clinician"], assurance });
  const query = (purpose = Purpose.EMERGENCY) => queryInit(world.idFor(clinic, patient), { purpose });
  return { ...scene, access, as, query };
}

/** A restriction of an organization. */
const noEmergencies = `forbid (principal, action == Action::"read", resource) when { context.emergency };`;

describe("a read under emergency access", () => {
  it("is marked in its entry, which names no consent", async () => {
    const { world, as, query, access } = await openEmergency();
    const { samples = [], ...answer } = { samples: (await as("fresh").querySeries(query())).series };
    expect([samples.length, answer]).toEqual([1, {}]);
    const [entry] = (await world.accesses()).filter(({ direction }) => direction === Direction.READ);
    expect(entry).toMatchObject({
      emergencyAccess: access,
      consents: [],
      purpose: Purpose.EMERGENCY,
      outcome: Access_Outcome.PERMITTED,
      actor: { id: "usr_doctor" },
    });
  });

  it("is for its purpose and its person alone, by a second factor of the last five minutes", async () => {
    const { as, query, world, clinic } = await openEmergency();
    const reason = async (...[assurance, id, purpose]: ["passkey" | "fresh", string?, Purpose?]) =>
      reasonOf(as(assurance, id).querySeries(query(purpose)));
    expect(await reason("fresh")).toBe("OK");
    expect(await reason("passkey")).toBe("ASSURANCE_REQUIRED");
    expect(await reason("fresh", "usr_colleague")).toBe("CONSENT_REQUIRED");
    expect(await reason("fresh", undefined, Purpose.TREATMENT)).toBe("CONSENT_REQUIRED");
    expect(await reasonOf(world.reader(clinic).querySeries(query()))).toBe("CONSENT_REQUIRED");
  });

  it("that is refused for want of a second factor says what to do, and which policy wants it", async () => {
    const { as, query, world } = await openEmergency();
    const refusal = await as("passkey")
      .querySeries(query())
      .catch((error: unknown) => problemOf(ConnectError.from(error)));
    expect(refusal).toMatchObject({
      reason: "ASSURANCE_REQUIRED",
      message: expect.stringMatching(/BeginStepUp[\s\S]*emergency-by-clinicians/),
    });
    const denied = (await world.accesses()).filter(({ outcome }) => outcome === Access_Outcome.DENIED);
    expect(denied.map(({ reason, items }) => [reason, items])).toEqual([["ASSURANCE_REQUIRED", 0]]);
  });

  it("of several codes is refused whole, and not left out, where one of them needs the emergency access", async () => {
    const { as, query, world, clinic, patient } = await openEmergency();
    await world.grant(patient, {
      ...{ organization: clinic.organization, direction: Direction.READ, codes: [STEPS] },
      purposes: [Purpose.EMERGENCY],
    });
    const list = (assurance: "passkey" | "fresh", ...codes: string[]) => {
      const { patient: id, purpose } = query();
      return reasonOf(
        as(assurance).listSeries({ patient: id, purpose, codes: codes.map((code) => ({ code })) }),
      );
    };
    expect(await list("passkey", STEPS)).toBe("OK");
    expect(await list("passkey", STEPS, HEART_RATE)).toBe("ASSURANCE_REQUIRED");
    expect(await list("passkey")).toBe("ASSURANCE_REQUIRED");
    expect(await list("fresh", STEPS, HEART_RATE)).toBe("OK");
    const { patient: id, purpose } = query();
    const observations = (assurance: "passkey" | "fresh", code?: string) =>
      reasonOf(as(assurance).listObservations({ patient: id, purpose, ...(code && { code: { code } }) }));
    expect(await observations("passkey", STEPS)).toBe("OK");
    expect(await observations("passkey")).toBe("ASSURANCE_REQUIRED");
    expect(await observations("fresh")).toBe("OK");
  });

  it("that the organization itself forbids is refused as that, and not as if a confirmation helped", async () => {
    const { world, clinic, query } = await openEmergency({ restrictions: [noEmergencies] });
    const { patient: id, purpose } = query();
    for (const assurance of ["passkey", "fresh"] as const) {
      const person = { id: "usr_doctor", roles: ["clinician"], assurance, policies: 1 } as const;
      const doctor = world.member(clinic.organization, person);
      const records = world.clinicalMember(clinic.organization, person);
      expect(await reasonOf(doctor.querySeries(query()))).toBe("POLICY_DENIED");
      expect(await reasonOf(doctor.listObservations({ patient: id, purpose }))).toBe("POLICY_DENIED");
      expect(await reasonOf(records.listClinicalRecords({ patient: id, purpose }))).toBe("POLICY_DENIED");
    }
  });

  it("ends with its hour, also in the midst of a stream that is open", async () => {
    let elapsed = 0;
    const enforcerClock = {
      now: () => systemClock.now() + elapsed,
      monotonic: () => systemClock.monotonic() + elapsed,
    };
    const scene = await openEmergency({ enforcerClock });
    const { world, as, access } = scene;
    const abort = new AbortController();
    onTestFinished(() => abort.abort());
    const { patient, purpose } = scene.query();
    const request = { patient, purpose, codes: [{ code: HEART_RATE }] };
    const messages = as("fresh").watchSeries(request, { signal: abort.signal })[Symbol.asyncIterator]();
    expect((await messages.next()).value?.payload.case).toBe("start");
    elapsed = hour;
    await append(scene, "r2", [heartRates(T0 + hour, [99])]);
    const rest = async () => {
      for (;;) {
        const { value, done } = await messages.next();
        if (done) return "the stream ended";
        if (value.payload.case === "series") return "data arrived";
      }
    };
    const end = await rest().catch((error: unknown) => problemOf(ConnectError.from(error)).reason);
    expect(end).toBe("CONSENT_REVOKED");
    const closing = (await world.accesses()).find(({ phase }) => phase === Access_Phase.CLOSED);
    expect(closing).toMatchObject({ emergencyAccess: access, outcome: Access_Outcome.DENIED });
  });
});

describe("a clinician who has a consent and emergency access, too", () => {
  const minute = 60_000;
  const both = async (
    terms: Partial<Pick<TestConsent, "codes" | "window" | "resolution">> = {},
    options: WorldOptions = {},
  ) => {
    const scene = await openEmergency(options);
    const { world, clinic, patient } = scene;
    const consent = await world.grant(patient, {
      ...{ organization: clinic.organization, direction: Direction.READ, codes: [HEART_RATE] },
      ...{ purposes: [Purpose.TREATMENT, Purpose.EMERGENCY], ...terms },
    });
    const last = async () =>
      (await world.accesses()).filter(({ direction }) => direction === Direction.READ).at(-1)!;
    return { ...scene, consent, last };
  };

  it.each([Purpose.TREATMENT, Purpose.EMERGENCY])(
    "reads by the consent what it permits whole, with a passkey as with a second factor (purpose %d)",
    async (purpose) => {
      const { as, query, consent, last } = await both();
      for (const assurance of ["passkey", "fresh"] as const) {
        expect((await as(assurance).querySeries(query(purpose))).series).toHaveLength(1);
        expect(await last()).toMatchObject({ emergencyAccess: "", consents: [{ consent }] });
      }
    },
  );

  it("needs the second factor for what reaches beyond the consent, and is never given a part silently", async () => {
    const { as, query, access, last } = await both({ window: { from: T0, to: T0 + minute } });
    const within = { interval: { startTime: timestampFromMs(T0), endTime: timestampFromMs(T0 + minute) } };
    const beyond = {
      interval: { startTime: timestampFromMs(T0), endTime: timestampFromMs(T0 + 2 * minute) },
    };
    const read = (assurance: "passkey" | "fresh", more: typeof within | Record<string, never>) =>
      reasonOf(as(assurance).querySeries({ ...query(), ...more }));
    expect(await read("passkey", within)).toBe("OK");
    expect(await read("passkey", beyond)).toBe("ASSURANCE_REQUIRED");
    expect(await read("passkey", {})).toBe("ASSURANCE_REQUIRED");
    expect(await read("fresh", beyond)).toBe("OK");
    expect(await last()).toMatchObject({ emergencyAccess: access });
  });

  it("reads lists by the consent that permits them whole, also where the organization forbids emergency access", async () => {
    const { world, clinic, query, consent, last } = await both(
      { codes: everything },
      { restrictions: [noEmergencies] },
    );
    const doctor = { id: "usr_doctor", roles: ["clinician"], assurance: "fresh", policies: 1 } as const;
    const { patient, purpose } = query();
    const codes = [HEART_RATE, STEPS].map((code) => ({ code }));
    const reads = world.member(clinic.organization, doctor);
    expect(await reasonOf(reads.listObservations({ patient, purpose, codes }))).toBe("OK");
    expect(await last()).toMatchObject({ emergencyAccess: "", consents: [{ consent }] });
    const records = world.clinicalMember(clinic.organization, doctor);
    expect(await reasonOf(records.listClinicalRecords({ patient, purpose }))).toBe("OK");
    expect(await reasonOf(reads.getObservation({ patient, purpose, observation: "obs_0" }))).toBe(
      "POLICY_DENIED",
    );
  });

  it("needs it for samples where the consent is for days, which emergency access is not", async () => {
    const { as, query } = await both({ resolution: Resolution.DAILY });
    expect(await reasonOf(as("passkey").querySeries(query()))).toBe("ASSURANCE_REQUIRED");
    expect(await reasonOf(as("fresh").querySeries(query()))).toBe("OK");
  });

  it("reads nothing more with a passkey once the consent is revoked", async () => {
    const { as, query, world, consent } = await both();
    expect(await reasonOf(as("passkey").querySeries(query()))).toBe("OK");
    await world.consent.revoke(consent);
    expect(await reasonOf(as("passkey").querySeries(query()))).toBe("ASSURANCE_REQUIRED");
    expect(await reasonOf(as("fresh").querySeries(query()))).toBe("OK");
  });
});
