import { Code, ConnectError } from "@connectrpc/connect";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { Consent_Status } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { Actor_Kind, Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { describe, expect, it } from "vitest";
import { openInstallation, otherPatientId, partition, patientId } from "./installation.ts";

const wanted = {
  grantee: "org_clinic",
  direction: Direction.READ,
  categories: [{ name: "heart", version: 0 }],
  purposes: [Purpose.TREATMENT],
  resolution: Resolution.HOURLY,
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

describe("granting", () => {
  it("gives the consent with pinned categories, to the patient and to the grantee by its own id of the patient", async () => {
    const { patient, organization, pairwise } = await openInstallation();
    const { consent } = await patient().createConsent({ consent: wanted, requestId: "r1" });
    expect(consent).toMatchObject({
      patient: pairwise.outward("installation", patientId),
      grantee: "org_clinic",
      categories: [{ name: "heart", version: 1 }],
      resolution: Resolution.HOURLY,
      notice: wanted.notice,
      status: Consent_Status.ACTIVE,
      version: 1,
    });
    const { consent: seen } = await organization().getConsent({ consent: consent!.id });
    expect(seen).toEqual({ ...consent, patient: pairwise.outward("org_clinic", patientId) });
  });

  it("does it once, however often it is asked with one request_id", async () => {
    const { patient } = await openInstallation();
    const ask = () => patient().createConsent({ consent: wanted, requestId: "r1" });
    const [first, second] = await Promise.all([ask(), ask()]);
    expect(second.consent).toEqual(first.consent);
    expect((await ask()).consent).toEqual(first.consent);
    expect((await patient().listConsents({})).consents).toHaveLength(1);
    const other = { ...wanted, resolution: Resolution.DAILY };
    expect(await problem(patient().createConsent({ consent: other, requestId: "r1" }))).toMatchObject({
      code: Code.AlreadyExists,
      reason: "REQUEST_ID_REUSED",
    });
  });

  it.each([
    ["consent.grantee", { grantee: "org_nobody" }],
    ["consent.categories[0].name", { categories: [{ name: "gossip", version: 0 }] }],
    ["consent.categories[0].version", { categories: [{ name: "heart", version: 99 }] }],
    ["consent.categories", { categories: [wanted.categories[0]!, { name: "heart", version: 1 }] }],
    ["consent.validity.end_time", { validity: { endTime: { seconds: 1n, nanos: 0 } } }],
    ["consent.resolution", { direction: Direction.CONTRIBUTE }],
  ])("refuses a wrong %s and says what to do", async (field, change) => {
    const { patient } = await openInstallation();
    const told = await problem(
      patient().createConsent({ consent: { ...wanted, ...change }, requestId: "r1" }),
    );
    expect(told).toMatchObject({
      code: Code.InvalidArgument,
      reason: "INVALID_FIELD",
      violations: [{ field }],
    });
    expect((await patient().listConsents({})).consents).toEqual([]);
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
    expect(revoked).toMatchObject({ status: Consent_Status.REVOKED, version: 2 });
    expect(revoked!.etag).not.toBe(consent!.etag);
    expect((await patient().revokeConsent({ consent: id })).consent).toEqual(revoked);
    expect((await organization().listConsents({ activeOnly: true })).consents).toEqual([]);
    expect((await organization().listConsents({})).consents).toMatchObject([{ id, version: 2 }]);
    const { revisions } = await organization().listConsentRevisions({ consent: id });
    const actor = { kind: Actor_Kind.PATIENT, id: pairwise.outward("org_clinic", patientId) };
    expect(revisions).toMatchObject([
      { consent: { version: 1, status: Consent_Status.ACTIVE }, replacedEtag: "", actor },
      { consent: { version: 2, status: Consent_Status.REVOKED }, replacedEtag: consent!.etag, actor },
    ]);
  });

  it("takes all of a patient's consents at an erasure, and none of another's", async () => {
    const { patient, decisions } = await openInstallation();
    await patient().createConsent({ consent: wanted, requestId: "r1" });
    await patient().createConsent({ consent: { ...wanted, grantee: "org_maker" }, requestId: "r2" });
    await patient(otherPatientId).createConsent({ consent: wanted, requestId: "r1" });
    expect(await decisions().revokeAllConsents({ partition })).toMatchObject({ revoked: 2 });
    expect(await decisions().revokeAllConsents({ partition })).toMatchObject({ revoked: 0 });
    expect((await patient().listConsents({ activeOnly: true })).consents).toEqual([]);
    expect((await patient(otherPatientId).listConsents({ activeOnly: true })).consents).toHaveLength(1);
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
