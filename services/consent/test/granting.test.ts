import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, createClient } from "@connectrpc/connect";
import { Consent_State, ConsentSchema, Mask } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Actor_Kind, Direction, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { openInstallation, otherPatientId, partition, patientId } from "./installation.ts";
import { denial, problem, reading, wanted } from "./messages.ts";

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

  it("is refused to who means another patient than the one in whose record they act", async () => {
    const { patient } = await openInstallation();
    const { consent } = await patient().createConsent({ consent: wanted, requestId: "r1" });
    const ask = (named: string, requestId: string) =>
      problem(patient().createConsent({ consent: wanted, requestId, patient: named }));
    for (const requestId of ["r1", "r2"]) {
      expect(await ask("pat_other", requestId)).toMatchObject({
        code: Code.InvalidArgument,
        violations: [{ field: "patient" }],
      });
    }
    expect(await ask(consent!.patient, "r3")).toBeUndefined();
    expect((await patient().listConsents({})).consents).toHaveLength(2);
  });

  it("takes nothing that it does not enforce, and names each with its remedy", async () => {
    const { patient } = await openInstallation();
    const later = {
      ...reading,
      masks: [Mask.DEVICE],
      resolution: Resolution.COUNT_ONLY,
    };
    const sliding = { ...denial, window: { case: "capturedInLast", value: { seconds: 60n } } as const };
    const consent = { ...wanted, provisions: [reading, later, sliding] };
    const told = await problem(patient().createConsent({ consent, requestId: "r1" }));
    expect(told).toMatchObject({ code: Code.InvalidArgument, reason: "INVALID_FIELD" });
    const fields = ["resolution", "masks"];
    expect(told!.violations!.map(({ field, reason }) => [field, reason])).toEqual([
      ...fields.map((field) => [`consent.provisions[1].${field}`, "NOT_ENFORCED_YET"]),
      ["consent.provisions[2].captured_in_last", "NOT_ENFORCED_YET"],
    ]);
    expect(told!.message).toContain("provisions[1].resolution: COUNT_ONLY is not enforced yet: use RAW");
    expect((await patient().listConsents({})).consents).toEqual([]);
  });

  it("takes contributors who are or were organizations here, and gives back which data is meant", async () => {
    const { patient, organization, pairwise } = await openInstallation();
    const from = (...organizations: string[]) => ({ ...reading, sources: { organizations } });
    const of = (...provisions: object[]) => ({ ...wanted, provisions }) as never;
    const told = await problem(
      patient().createConsent({ consent: of(from("org_maker"), from("org_nobody")), requestId: "r1" }),
    );
    expect(told).toMatchObject({
      reason: "INVALID_FIELD",
      violations: [{ field: "consent.provisions[1].sources.organizations" }],
    });
    const consent = of(from("org_maker", "org_deleted"));
    const given = await patient().createConsent({ consent, requestId: "r2" });
    expect(given.consent!.provisions[0]!.sources!.organizations).toEqual(["org_deleted", "org_maker"]);
    // A device by the id of whoever reads the consent.
    const deviceId = pairwise.outward("installation", "dev_00000000000000000000000001");
    const device = (organization: string) => {
      return { ...denial, sources: { devices: [{ organization, deviceId }] } };
    };
    const strange = patient().createConsent({ consent: of(device("org_nobody")), requestId: "r3" });
    expect(await problem(strange)).toMatchObject({
      violations: [{ field: "consent.provisions[0].sources.devices" }],
    });
    const { consent: denying } = await patient().createConsent({
      consent: of(reading, device("org_maker")),
      requestId: "r4",
    });
    const sourcesIn = ({ provisions }: { provisions: { sources?: object }[] }) => provisions[1]!.sources;
    expect(sourcesIn(denying!)).toMatchObject({ devices: [{ organization: "org_maker", deviceId }] });
    const { consent: seen } = await organization().getConsent({ consent: denying!.id });
    expect(sourcesIn(seen!)).toMatchObject({
      devices: [{ deviceId: pairwise.outward("org_clinic", "dev_00000000000000000000000001") }],
    });
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
    const { as, organization, pairwise, logged } = await openInstallation();
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
    const [entry] = await logged();
    expect(entry!.actor).toMatchObject({ ...operator, onBehalfOf: onBehalfOf("installation") });
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
