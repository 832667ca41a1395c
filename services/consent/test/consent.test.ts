import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import {
  Consent_State,
  ConsentSchema,
  DeIdentification,
  Mask,
  Provision_Effect,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Actor_Kind, Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { describe, expect, it } from "vitest";
import { openInstallation, otherPatientId, partition, patientId } from "./installation.ts";

const reading = {
  effect: Provision_Effect.PERMIT,
  directions: [Direction.READ],
  categories: [{ name: "heart", version: 0 }],
  purposes: [Purpose.TREATMENT],
  resolution: Resolution.HOURLY,
};
const denial = {
  effect: Provision_Effect.DENY,
  directions: [Direction.READ],
  categories: [{ name: "heart", version: 0 }],
};
const wanted = {
  grantee: "org_clinic",
  provisions: [reading],
  notice: { uri: "https://clinic.example/notice", language: "de-CH", sha256: "a".repeat(64) },
};

/** What a caller is told of a failure. */
async function problem(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => ConnectError.from(cause),
  );
  return error && problemOf(error);
}

const provisionCases: ReadonlyArray<readonly [string, object]> = [
  ["effect", { effect: 0 }],
  ["effect", { effect: 7 }],
  ["directions", { directions: [] }],
  ["directions[1]", { directions: [Direction.READ, 7] }],
  ["categories", { categories: [] }],
  ["categories[0].name", { categories: [{ name: "gossip", version: 0 }] }],
  ["categories[0].version", { categories: [{ name: "heart", version: 99 }] }],
  ["categories", { categories: [reading.categories[0], { name: "heart", version: 1 }] }],
  ["purposes", { purposes: [] }],
  ["purposes[0]", { purposes: [99] }],
  ["purposes", { directions: [Direction.CONTRIBUTE], resolution: 0 }],
  ["resolution", { resolution: 0 }],
  ["resolution", { resolution: 99 }],
  ["resolution", { directions: [Direction.CONTRIBUTE], purposes: [] }],
  ["captured_in_last", { window: { case: "capturedInLast", value: { seconds: 0n, nanos: 0 } } }],
  ["captured_in_last", { window: { case: "capturedInLast", value: { seconds: 9n, nanos: 1 } } }],
];
const denialCases: ReadonlyArray<readonly [string, object]> = [
  ["resolution", { resolution: Resolution.HOURLY }],
  ["regions", { regions: ["eu"] }],
];

const wrongCases: ReadonlyArray<readonly [string, object]> = [
  ["grantee", { grantee: "org_nobody" }],
  ["grantee", { grantee: "org_deleted" }],
  ["validity.end_time", { validity: { endTime: { seconds: 1n, nanos: 0 } } }],
  ["provisions", { provisions: [] }],
  ...provisionCases.map(([field, change]): [string, object] => {
    return [`provisions[1].${field}`, { provisions: [reading, { ...reading, ...change }] }];
  }),
  ...denialCases.map(([field, change]): [string, object] => {
    return [`provisions[0].${field}`, { provisions: [{ ...denial, ...change }] }];
  }),
];

describe("granting", () => {
  it("gives the consent with pinned categories, to the patient and to the grantee by its own id of the patient", async () => {
    const { patient, organization, pairwise } = await openInstallation();
    const { consent } = await patient().createConsent({ consent: wanted, requestId: "r1" });
    expect(consent).toMatchObject({
      patient: pairwise.outward("installation", patientId),
      grantee: "org_clinic",
      provisions: [{ ...reading, categories: [{ name: "heart", version: 1 }] }],
      notice: wanted.notice,
      state: Consent_State.ACTIVE,
      version: 1,
      grantor: { kind: Actor_Kind.PATIENT, id: pairwise.outward("installation", patientId) },
    });
    const { consent: seen } = await organization().getConsent({ consent: consent!.id });
    const id = pairwise.outward("org_clinic", patientId);
    expect(seen).toEqual({ ...consent, patient: id, grantor: { ...consent!.grantor, id } });
  });

  it("does it once, however often it is asked with one request_id", async () => {
    const { patient } = await openInstallation();
    const ask = () => patient().createConsent({ consent: wanted, requestId: "r1" });
    const [first, second] = await Promise.all([ask(), ask()]);
    expect(second.consent).toEqual(first.consent);
    expect((await ask()).consent).toEqual(first.consent);
    expect((await patient().listConsents({})).consents).toHaveLength(1);
    const other = { ...wanted, provisions: [{ ...reading, resolution: Resolution.DAILY }] };
    expect(await problem(patient().createConsent({ consent: other, requestId: "r1" }))).toMatchObject({
      code: Code.AlreadyExists,
      reason: "REQUEST_ID_REUSED",
    });
  });

  it("refuses what is wrong, by its field, and says what to do", async () => {
    const { patient } = await openInstallation();
    for (const [field, change] of wrongCases) {
      const consent = { ...wanted, ...change };
      const told = await problem(patient().createConsent({ consent, requestId: "r1" }));
      expect(told, field).toMatchObject({
        code: Code.InvalidArgument,
        reason: "INVALID_FIELD",
        violations: [{ field: `consent.${field}`, description: expect.stringMatching(/.../) }],
      });
    }
    expect((await patient().listConsents({})).consents).toEqual([]);
  });

  it("takes nothing that it does not enforce, and names each with its remedy", async () => {
    const { patient } = await openInstallation();
    const later = {
      ...reading,
      sources: {},
      masks: [Mask.DEVICE],
      deIdentification: DeIdentification.SAFE_HARBOR,
      resolution: Resolution.COUNT_ONLY,
    };
    const sliding = { ...denial, window: { case: "capturedInLast", value: { seconds: 60n } } as const };
    const consent = { ...wanted, provisions: [reading, later, sliding] };
    const told = await problem(patient().createConsent({ consent, requestId: "r1" }));
    expect(told).toMatchObject({ code: Code.InvalidArgument, reason: "INVALID_FIELD" });
    const fields = ["sources", "masks", "de_identification", "resolution"];
    expect(told!.violations!.map(({ field, reason }) => [field, reason])).toEqual([
      ...fields.map((field) => [`consent.provisions[1].${field}`, "NOT_ENFORCED_YET"]),
      ["consent.provisions[2].captured_in_last", "NOT_ENFORCED_YET"],
    ]);
    expect(told!.message).toContain("provisions[1].sources: is not enforced yet: leave it out");
    expect((await patient().listConsents({})).consents).toEqual([]);
  });

  it("takes no field that it does not know, also where the rest was granted before", async () => {
    const { patient } = await openInstallation();
    await patient().createConsent({ consent: wanted, requestId: "r1" });
    const unknown = [{ no: 77, wireType: 0, data: new Uint8Array([1]) }];
    const strange = [
      ["consent", create(ConsentSchema, wanted)],
      ["consent.provisions[0]", create(ConsentSchema, wanted)],
      ["consent.provisions[0].categories[0]", create(ConsentSchema, wanted)],
      ["consent.validity", create(ConsentSchema, { ...wanted, validity: {} })],
    ] as const;
    strange[0][1].$unknown = unknown;
    strange[1][1].provisions[0]!.$unknown = unknown;
    strange[2][1].provisions[0]!.categories[0]!.$unknown = unknown;
    strange[3][1].validity!.$unknown = unknown;
    for (const [field, consent] of strange) {
      const told = await problem(patient().createConsent({ consent, requestId: "r1" }));
      expect(told).toMatchObject({ reason: "INVALID_FIELD", violations: [{ field }] });
      expect(told!.violations![0]!.description).toContain("field 77");
    }
  });

  it("is scheduled until its validity begins, active then, and expired after its end", async () => {
    const { patient, clock } = await openInstallation();
    const { now } = clock;
    const at = now();
    clock.now = () => at;
    const validity = { startTime: timestampFromMs(at + 1_000), endTime: timestampFromMs(at + 2_000) };
    const { consent } = await patient().createConsent({ consent: { ...wanted, validity }, requestId: "r1" });
    const stateAt = async (time: number) => {
      clock.now = () => time;
      const got = await patient().getConsent({ consent: consent!.id });
      const { state } = got.consent!;
      const found = await patient().listConsents({ states: [state] });
      expect(found.consents.map(({ id }) => id)).toEqual([consent!.id]);
      const others = [1, 2, 3, 4].filter((other) => other !== state);
      expect((await patient().listConsents({ states: others })).consents).toEqual([]);
      return state;
    };
    expect(consent!.state).toBe(Consent_State.SCHEDULED);
    expect(await stateAt(at + 999)).toBe(Consent_State.SCHEDULED);
    expect(await stateAt(at + 1_000)).toBe(Consent_State.ACTIVE);
    expect(await stateAt(at + 1_999)).toBe(Consent_State.ACTIVE);
    expect(await stateAt(at + 2_000)).toBe(Consent_State.EXPIRED);
    await patient().revokeConsent({ consent: consent!.id });
    expect(await stateAt(at + 500)).toBe(Consent_State.REVOKED);
  });

  it("says who gave it, and on whose behalf", async () => {
    const { as, organization, pairwise } = await openInstallation();
    const actor = { kind: "operator", id: "opr_1" } as const;
    const support = as({ kind: "patient", id: patientId, partition, actor }, "door");
    const client = createClient(ConsentService, support);
    const { consent } = await client.createConsent({ consent: wanted, requestId: "r1" });
    const onBehalfOf = (party: string) => {
      return { kind: Actor_Kind.PATIENT, id: pairwise.outward(party, patientId) };
    };
    const operator = { kind: Actor_Kind.OPERATOR, id: "opr_1" };
    expect(consent!.grantor).toMatchObject({ ...operator, onBehalfOf: onBehalfOf("installation") });
    const { revisions } = await organization().listConsentRevisions({ consent: consent!.id });
    const seen = { ...operator, onBehalfOf: onBehalfOf("org_clinic") };
    expect(revisions).toMatchObject([{ actor: seen, consent: { grantor: seen } }]);
  });

  it("has room for 32 denials towards an organization, and for as many towards another", async () => {
    const { patient } = await openInstallation();
    const ask = (grantee: string, provisions: object[], requestId: string) =>
      problem(patient().createConsent({ consent: { grantee, provisions }, requestId }));
    expect(await ask("org_clinic", Array(32).fill(denial), "r1")).toBeUndefined();
    expect(await ask("org_clinic", [denial], "r2")).toMatchObject({ reason: "TOO_MANY_CONSENTS" });
    expect(await ask("org_clinic", [reading], "r3")).toBeUndefined();
    expect(await ask("org_maker", Array(32).fill(denial), "r4")).toBeUndefined();
  });

  it("is refused for a patient who was erased, and for anybody but the patient", async () => {
    const { patient, organization, decisions, erased } = await openInstallation();
    const ask = (client: ReturnType<typeof patient>) =>
      problem(client.createConsent({ consent: wanted, requestId: "r" }));
    expect(await ask(organization())).toMatchObject({ code: Code.PermissionDenied });
    await decisions().revokeAllConsents({ partition });
    expect(await ask(patient())).toMatchObject({ reason: "PATIENT_ERASED" });
    erased.add(`local/${otherPatientId}`);
    expect(await ask(patient(otherPatientId))).toMatchObject({ reason: "PATIENT_ERASED" });
  });
});

describe("seeing", () => {
  it("tells a consent of others from none at all to nobody", async () => {
    const { patient, organization } = await openInstallation();
    const { consent } = await patient().createConsent({ consent: wanted, requestId: "r1" });
    for (const stranger of [patient(otherPatientId), organization("org_maker")]) {
      const theirs = await problem(stranger.getConsent({ consent: consent!.id }));
      expect(theirs).toMatchObject({ code: Code.NotFound, reason: "NOT_FOUND" });
      expect(theirs).toEqual(await problem(stranger.getConsent({ consent: "con_none" })));
      expect(await problem(stranger.listConsentRevisions({ consent: consent!.id }))).toEqual(theirs);
      expect((await stranger.listConsents({})).consents).toEqual([]);
    }
    expect(await problem(patient(otherPatientId).revokeConsent({ consent: consent!.id }))).toMatchObject({
      reason: "NOT_FOUND",
    });
  });

  it("pages through a list, newest first, by tokens that are nobody else's", async () => {
    const { patient, organization } = await openInstallation();
    const made: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      const client = patient(i % 2 === 0 ? patientId : otherPatientId);
      const { consent } = await client.createConsent({ consent: wanted, requestId: `r${i}` });
      made.push(consent!.id);
    }
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await organization().listConsents({ pageSize: 2, pageToken });
      expect(page.consents.length).toBeLessThanOrEqual(2);
      seen.push(...page.consents.map(({ id }) => id));
      if (seen.length === 2) {
        const foreign = organization("org_maker").listConsents({
          pageSize: 2,
          pageToken: page.nextPageToken,
        });
        expect(await problem(foreign)).toMatchObject({ reason: "INVALID_PAGE_TOKEN" });
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect([...seen].sort()).toEqual([...made].sort());
    expect((await patient().listConsents({})).consents).toHaveLength(3);
  });

  it("narrows a list to an organization for the patient, who sees all, and for nobody else", async () => {
    const { patient, organization } = await openInstallation();
    for (const [i, grantee] of ["org_clinic", "org_maker", "org_clinic"].entries()) {
      await patient().createConsent({ consent: { ...wanted, grantee }, requestId: `r${i}` });
    }
    const narrowed = await patient().listConsents({ grantee: "org_clinic", states: [Consent_State.ACTIVE] });
    expect(narrowed.consents.map(({ grantee }) => grantee)).toEqual(["org_clinic", "org_clinic"]);
    expect((await organization().listConsents({ grantee: "org_clinic" })).consents).toHaveLength(2);
    expect(await problem(organization().listConsents({ grantee: "org_maker" }))).toMatchObject({
      violations: [{ field: "grantee" }],
    });
  });
});

describe("revoking", () => {
  it("is final, gives the same answer again, and leaves revisions that name what they replaced", async () => {
    const { patient, organization, pairwise } = await openInstallation();
    const { consent } = await patient().createConsent({ consent: wanted, requestId: "r1" });
    const id = consent!.id;
    expect(await problem(patient().revokeConsent({ consent: id, etag: "stale" }))).toMatchObject({
      code: Code.Aborted,
      reason: "STALE_ETAG",
    });
    const { consent: revoked } = await patient().revokeConsent({ consent: id, etag: consent!.etag });
    expect(revoked).toMatchObject({ state: Consent_State.REVOKED, version: 2 });
    expect(revoked!.etag).not.toBe(consent!.etag);
    expect((await patient().revokeConsent({ consent: id })).consent).toEqual(revoked);
    expect((await organization().listConsents({ states: [Consent_State.ACTIVE] })).consents).toEqual([]);
    expect((await organization().listConsents({})).consents).toMatchObject([{ id, version: 2 }]);
    const first = await organization().listConsentRevisions({ consent: id, pageSize: 1 });
    const { nextPageToken: pageToken } = first;
    const rest = await organization().listConsentRevisions({ consent: id, pageSize: 1, pageToken });
    const revisions = [...first.revisions, ...rest.revisions];
    const foreign = patient().listConsentRevisions({ consent: id, pageSize: 1, pageToken });
    expect(await problem(foreign)).toMatchObject({ reason: "INVALID_PAGE_TOKEN" });
    const actor = { kind: Actor_Kind.PATIENT, id: pairwise.outward("org_clinic", patientId) };
    expect(revisions).toMatchObject([
      { consent: { version: 1, state: Consent_State.ACTIVE }, replacedEtag: "", actor },
      { consent: { version: 2, state: Consent_State.REVOKED }, replacedEtag: consent!.etag, actor },
    ]);
  });

  it("takes all of a patient's consents at an erasure, and none of another's", async () => {
    const { patient, decisions } = await openInstallation();
    await patient().createConsent({ consent: wanted, requestId: "r1" });
    await patient().createConsent({ consent: { ...wanted, grantee: "org_maker" }, requestId: "r2" });
    await patient(otherPatientId).createConsent({ consent: wanted, requestId: "r1" });
    expect(await decisions().revokeAllConsents({ partition })).toMatchObject({ revoked: 2 });
    expect(await decisions().revokeAllConsents({ partition })).toMatchObject({ revoked: 0 });
    expect((await patient().listConsents({ states: [Consent_State.ACTIVE] })).consents).toEqual([]);
    expect(
      (await patient(otherPatientId).listConsents({ states: [Consent_State.ACTIVE] })).consents,
    ).toHaveLength(1);
  });
});

it("leaves a leaf for every call, denied ones too, with the patient by the actor's organization's id", async () => {
  const { patient, organization, pairwise, logged } = await openInstallation();
  const { consent } = await patient().createConsent({ consent: wanted, requestId: "r1" });
  await organization().getConsent({ consent: consent!.id });
  await problem(organization("org_maker").getConsent({ consent: consent!.id }));
  await patient().revokeConsent({ consent: consent!.id });
  const own = pairwise.outward("installation", patientId);
  const brief = (await logged()).map(({ method, patient, organization, outcome, reason, consents }) => {
    const versions = consents.map(({ version }) => version);
    return { method: method.split("/")[1], patient, organization, outcome, reason, versions };
  });
  const { PERMITTED, DENIED } = Access_Outcome;
  const byPatient = { patient: own, organization: "", outcome: PERMITTED, reason: "" };
  expect(brief).toHaveLength(4);
  expect(brief).toEqual(
    expect.arrayContaining([
      { ...byPatient, method: "CreateConsent", versions: [1] },
      {
        method: "GetConsent",
        patient: pairwise.outward("org_clinic", patientId),
        organization: "org_clinic",
        outcome: PERMITTED,
        reason: "",
        versions: [1],
      },
      {
        method: "GetConsent",
        patient: "",
        organization: "org_maker",
        outcome: DENIED,
        reason: "NOT_FOUND",
        versions: [],
      },
      { ...byPatient, method: "RevokeConsent", versions: [2] },
    ]),
  );
});
