import { Code, createClient } from "@connectrpc/connect";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Actor_Kind } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { openInstallation, otherPatientId, partition, patientId } from "./installation.ts";
import { problem, wanted } from "./messages.ts";

describe("a notice", () => {
  it("is read at an https URI, or has none: an answer says what to send", async () => {
    const { patient } = await openInstallation();
    let made = 0;
    const create = (uri: string) =>
      patient().createConsent({ consent: { ...wanted, notice: { uri } }, requestId: `r-${made++}` });
    for (const uri of [
      "http://clinic.example/notice",
      "HTTP://clinic.example",
      "clinic.example",
      "javascript:x",
      "https://clinic example",
      "https:clinic.example",
    ]) {
      expect(await problem(create(uri)), uri).toMatchObject({
        code: Code.InvalidArgument,
        reason: "INVALID_FIELD",
        violations: [
          {
            field: "consent.notice.uri",
            description: "must be an https URI, for example https://clinic.example/notice",
          },
        ],
      });
    }
    for (const uri of ["", "https://clinic.example/notice", "https://clinic.example/a?b=c#d"]) {
      expect((await create(uri)).consent?.notice?.uri).toBe(uri);
    }
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

  it("keeps an application whose token is for one patient to that patient's consents for its organization", async () => {
    const { patient, as } = await openInstallation();
    const make = async (id: string, grantee: string, requestId: string) =>
      (await patient(id).createConsent({ consent: { ...wanted, grantee }, requestId })).consent!.id;
    const own = await make(patientId, "org_clinic", "r1");
    const toOthers = await make(patientId, "org_maker", "r2");
    const ofOther = await make(otherPatientId, "org_clinic", "r3");
    const limited = createClient(
      ConsentService,
      as(
        {
          kind: "application",
          id: "app_org_clinic",
          organization: "org_clinic",
          scopes: ["patient/Consent.rs"],
          onlyPatient: `local/${patientId}`,
        },
        "door",
      ),
    );
    for (const request of [{}, { grantee: "org_clinic" }]) {
      expect((await limited.listConsents(request)).consents.map(({ id }) => id)).toEqual([own]);
    }
    expect(await problem(limited.listConsents({ grantee: "org_maker" }))).toMatchObject({
      reason: "INVALID_FIELD",
    });
    expect((await limited.getConsent({ consent: own })).consent?.id).toBe(own);
    await limited.listConsentRevisions({ consent: own });
    for (const consent of [toOthers, ofOther]) {
      expect(await problem(limited.getConsent({ consent })), consent).toMatchObject({ reason: "NOT_FOUND" });
      expect(await problem(limited.listConsentRevisions({ consent }))).toMatchObject({ reason: "NOT_FOUND" });
    }
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
