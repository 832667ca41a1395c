import { readFileSync } from "node:fs";
import { createClient } from "@connectrpc/connect";
import { Mask } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentReceiptService } from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import { CaptureMethod, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { openReceiptKey, verifyReceipt } from "@wellapi/receipts";
import { createLocalJWKSet, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import type { Consent, Terms } from "../src/consent.ts";
import type { Answer, DeletionObligation } from "../src/obligations/obligation.ts";
import {
  answerClaims,
  consentClaims,
  refusalClaims,
  rightsClaims,
  schemaVersion,
  versionWithDevices,
  versionWithHiddenDevices,
  versionWithMasks,
  versionWithMethods,
  versionWithSources,
} from "../src/receipts/receipt-convert.ts";
import type { RightsAnswer, RightsRequest } from "../src/rights/rights-request.ts";
import { partition, patientId } from "./installation.ts";
import { problem, reading } from "./messages.ts";
import { openScene } from "./requests-scene.ts";

const kind = "wellapi-consent-receipt+jwt";

async function openReceipts() {
  const scene = await openScene();
  const { as, kms } = scene;
  const at = (principal: Parameters<typeof as>[0]) =>
    createClient(ConsentReceiptService, as(principal, "gateway"));
  const { jwks } = await openReceiptKey(kms);
  const patient = at({ kind: "patient", id: patientId, partition, assurance: "code" });
  const clinic = at({
    kind: "application",
    id: "app_org_clinic",
    organization: "org_clinic",
    credential: "crd_1",
  });
  const ofVersion = (consent: string, version = 0) => ({
    decision: { case: "consentVersion" as const, value: { consent, version } },
  });
  const ofRequest = (id: string) => ({ decision: { case: "consentRequest" as const, value: id } });
  return { ...scene, at, jwks, patientReceipts: patient, clinicReceipts: clinic, ofVersion, ofRequest };
}

describe("a receipt", () => {
  it("is given to both sides for a grant, an amendment and a revocation, each by its own id of the patient", async () => {
    const {
      ask,
      accept,
      patient,
      pairwise,
      jwks,
      patientReceipts,
      clinicReceipts,
      ofVersion,
      ofRequest,
      known,
    } = await openReceipts();
    const first = await ask();
    const { consent } = await accept(first.id);
    const second = await ask({
      continues: consent!.id,
      provisions: [{ ...reading, resolution: Resolution.DAILY }],
    });
    await accept(second.id);
    await patient().revokeConsent({ consent: consent!.id });
    const types = ["consent_given", "consent_amended", "consent_withdrawn"];
    for (const [at, type] of types.entries()) {
      const own = await patientReceipts.getConsentReceipt(ofVersion(consent!.id, at + 1));
      const theirs = await clinicReceipts.getConsentReceipt(ofVersion(consent!.id, at + 1));
      const [mine, clinics] = [
        await verifyReceipt(kind, own.jws, jwks),
        await verifyReceipt(kind, theirs.jws, jwks),
      ];
      const me = pairwise.outward("installation", patientId);
      expect(mine).toMatchObject({
        schema_version: schemaVersion,
        record_id: `${consent!.id}.${at + 1}`,
        receipt_holder: me,
        pii_principal_id: me,
        pii_controllers: [{ party_id: "org_clinic" }],
        pii_processing: [
          {
            effect: "permit",
            pii_information: ["heart@1"],
            purposes: ["treatment"],
            resolution: at === 0 ? "hourly" : "daily",
          },
        ],
        event: { type, entity: { kind: "patient", id: me }, access: expect.stringMatching(/^acc_/) },
      });
      expect(clinics).toMatchObject({
        receipt_holder: "org_clinic",
        pii_principal_id: known,
        event: { type },
      });
      expect(JSON.stringify(clinics)).not.toContain(me);
      expect(JSON.stringify(mine)).not.toContain(known);
      expect(JSON.stringify([mine, clinics])).not.toContain(patientId);
    }
    const newest = await patientReceipts.getConsentReceipt(ofVersion(consent!.id));
    expect(newest).toEqual(await patientReceipts.getConsentReceipt(ofVersion(consent!.id, 3)));
    expect(await patientReceipts.getConsentReceipt(ofRequest(first.id))).toEqual(
      await patientReceipts.getConsentReceipt(ofVersion(consent!.id, 1)),
    );
  });

  it("says whose data it is about, in a version of its own, so that no older reader takes it for everybody's", async () => {
    const { patient, jwks, patientReceipts, ofVersion } = await openReceipts();
    const provision = { ...reading, sources: { organizations: ["org_maker"] } };
    const consent = { grantee: "org_clinic", provisions: [provision] };
    const given = await patient().createConsent({ consent, requestId: "from-maker" });
    const { jws } = await patientReceipts.getConsentReceipt(ofVersion(given.consent!.id, 1));
    expect(await verifyReceipt(kind, jws, jwks)).toMatchObject({
      schema_version: versionWithSources,
      pii_processing: [{ effect: "permit", sources: { party_ids: ["org_maker"] } }],
    });
  });

  it("says of which devices, by the ids of whoever holds it, in a version of its own, too", async () => {
    const devices = [{ organization: "org_maker", device: "dev_1" }];
    const provisions = [{ ...terms.provisions[0]!, sources: { organizations: [], devices } }];
    const said = { consent: { ...consent, terms: { ...terms, provisions } }, replacedEtag: "", ...decided };
    expect(consentClaims(said, clinicSide)).toMatchObject({
      schema_version: versionWithDevices,
      pii_processing: [{ sources: { devices: [{ party_id: "org_maker", device: "known dev_1" }] } }],
    });
  });

  it("says in which ways it came about, in a version of its own, too", async () => {
    const { patient, jwks, patientReceipts, ofVersion } = await openReceipts();
    const methods = [CaptureMethod.SENSED, CaptureMethod.SELF_REPORTED];
    const consent = { grantee: "org_clinic", provisions: [{ ...reading, sources: { methods } }] };
    const given = await patient().createConsent({ consent, requestId: "measured" });
    expect(given.consent!.provisions[0]!.sources!.methods).toEqual(methods);
    const { jws } = await patientReceipts.getConsentReceipt(ofVersion(given.consent!.id, 1));
    expect(await verifyReceipt(kind, jws, jwks)).toMatchObject({
      schema_version: versionWithMethods,
      pii_processing: [{ sources: { party_ids: [], methods: ["sensed", "self_reported"] } }],
    });
  });

  it("says what is left out, in a version of its own, too", async () => {
    const { patient, jwks, patientReceipts, ofVersion } = await openReceipts();
    const provision = { ...reading, masks: [Mask.NOTES], sources: { organizations: ["org_maker"] } };
    const consent = { grantee: "org_clinic", provisions: [provision] };
    const given = await patient().createConsent({ consent, requestId: "without-notes" });
    expect(given.consent!.provisions[0]!.masks).toEqual([Mask.NOTES]);
    const { jws } = await patientReceipts.getConsentReceipt(ofVersion(given.consent!.id, 1));
    expect(await verifyReceipt(kind, jws, jwks)).toMatchObject({
      schema_version: versionWithMasks,
      pii_processing: [{ effect: "permit", masks: ["notes"] }],
    });
    const nameless = { ...provision, masks: [Mask.DEVICE], resolution: Resolution.RAW };
    const other = await patient().createConsent({
      consent: { ...consent, provisions: [nameless] },
      requestId: "without-devices",
    });
    const second = await patientReceipts.getConsentReceipt(ofVersion(other.consent!.id, 1));
    expect(await verifyReceipt(kind, second.jws, jwks)).toMatchObject({
      schema_version: versionWithHiddenDevices,
      pii_processing: [{ effect: "permit", masks: ["device"] }],
    });
  });

  it("of a refusal names what was refused; who refused it, only to the patient; why it was asked, to nobody", async () => {
    const { ask, refuse, at, jwks, patientReceipts, clinicReceipts, ofRequest } = await openReceipts();
    const { id } = await ask({ why: "a word of its own: zanthoxyl" });
    expect(await problem(patientReceipts.getConsentReceipt(ofRequest(id)))).toMatchObject({
      reason: "NO_RECEIPT",
    });
    await refuse(id);
    const own = (await patientReceipts.getConsentReceipt(ofRequest(id))).jws;
    const theirs = (await clinicReceipts.getConsentReceipt(ofRequest(id))).jws;
    const claims = await verifyReceipt(kind, own, jwks);
    expect(claims).toMatchObject({
      record_id: id,
      event: { type: "consent_refused", entity: { kind: "patient" } },
      pii_processing: [{ pii_information: ["heart@1"] }],
    });
    const told = await verifyReceipt(kind, theirs, jwks);
    expect(told.event).toEqual({ type: "consent_refused", time: expect.any(String) });
    expect(JSON.stringify([claims, told])).not.toContain("zanthoxyl");
    const stranger = at({ kind: "application", id: "app_x", organization: "org_maker", credential: "crd_1" });
    expect(await problem(stranger.getConsentReceipt(ofRequest(id)))).toMatchObject({ reason: "NOT_FOUND" });
  });

  it("is verified by any JOSE library, and with one changed byte by none", async () => {
    const { ask, accept, jwks, patientReceipts, ofVersion } = await openReceipts();
    const { consent } = await accept((await ask()).id);
    const { jws } = await patientReceipts.getConsentReceipt(ofVersion(consent!.id));
    const keys = createLocalJWKSet(jwks);
    const { payload } = await jwtVerify(jws, keys, { typ: kind });
    expect(payload.record_id).toBe(`${consent!.id}.1`);
    for (const at of [jws.indexOf(".") + 5, jws.length - 20]) {
      const changed = `${jws.slice(0, at)}${jws[at] === "A" ? "B" : "A"}${jws.slice(at + 1)}`;
      await expect(jwtVerify(changed, keys, { typ: kind }), `byte ${at}`).rejects.toThrow();
      await expect(verifyReceipt(kind, changed, jwks), `byte ${at}`).rejects.toThrow();
    }
    await expect(verifyReceipt("wellapi-erasure-receipt+jwt", jws, jwks)).rejects.toMatchObject({
      code: "malformed",
    });
  });

  it("of others, and of a version that is none, is not found", async () => {
    const { ask, accept, at, patientReceipts, ofVersion, patient } = await openReceipts();
    const { consent } = await accept((await ask()).id);
    const none = await problem(patientReceipts.getConsentReceipt(ofVersion("con_none")));
    expect(none).toMatchObject({ reason: "NOT_FOUND" });
    expect(await problem(patientReceipts.getConsentReceipt(ofVersion(consent!.id, 2)))).toEqual(none);
    const stranger = at({ kind: "application", id: "app_x", organization: "org_maker", credential: "crd_1" });
    expect(await problem(stranger.getConsentReceipt(ofVersion(consent!.id)))).toEqual(none);
    const own = await patient().createConsent({
      consent: { grantee: "org_maker", provisions: [{ ...reading, categories: [{ name: "sleep" }] }] },
      requestId: "c9",
    });
    const guardian = at({ kind: "patient", id: patientId, partition, assurance: "code", hides: ["sleep"] });
    expect(await problem(guardian.getConsentReceipt(ofVersion(own.consent!.id)))).toEqual(none);
  });
});

/** Receipts of 2026, which must verify for ever. */
const golden = new URL("./golden/consent-receipts.json", import.meta.url);
const terms: Terms = {
  grantee: "org_clinic",
  provisions: [
    {
      effect: "permit",
      directions: ["read"],
      categories: [{ name: "heart", version: 1 }],
      purposes: ["treatment"],
      resolution: "daily",
      captured: { lastMs: 2_592_000_000 },
      regions: ["eu"],
      deIdentification: "safe_harbor",
    },
  ],
  validity: { start: 1_764_547_200_000, end: 1_796_083_200_000 },
  notice: { uri: "https://clinic.example/notice", language: "de-CH", sha256: "a".repeat(64) },
};
const author = { kind: "patient", id: "pat_internal" } as const;
const consent: Consent = { id: "con_1", terms, version: 1, grantor: author, createTime: 1_764_547_200_000 };
const decided = { author, time: 1_764_547_200_000, access: "acc_1" };
const patientSide = { patient: "pat_own", deviceIdOf: (id: string) => `own ${id}` };
const clinicSide = {
  patient: "pat_known",
  organization: "org_clinic",
  deviceIdOf: (id: string) => `known ${id}`,
};
const request = {
  id: "crq_1",
  requester: { kind: "application", id: "app_1" } as const,
  terms,
  why: "to see how it goes",
  language: "en",
  createTime: 0,
  expireTime: 1,
};

const obligation: DeletionObligation = {
  id: "dob_1",
  organization: "org_clinic",
  consent: "con_1",
  named: ["heart"],
  endTime: 1_764_633_600_000,
  received: [
    {
      category: "heart",
      reads: 3,
      values: 120,
      unknownAmountReads: 1,
      firstTime: 1_764_547_200_000,
      lastTime: 1_764_550_000_000,
    },
  ],
  createTime: 1_764_633_700_000,
  dueTime: 1_767_225_700_000,
  answers: [],
};
const answered = {
  time: 1_764_720_000_000,
  by: { kind: "member", id: "usr_owner" },
  access: "acc_2",
  requestId: "a1",
  requestDigest: "",
} as const;
const keeps: Answer = {
  ...answered,
  kind: "kept",
  reason: "legal_obligation",
  citation: "§ 630f (3) BGB",
  keepUntil: 2_080_000_000_000,
};

const refusal: RightsAnswer = {
  ...answered,
  kind: "refused",
  reason: "accurate",
  explanation: "measured twice",
  remedies: "the supervisory authority, a court",
};
const rights: RightsRequest = {
  id: "rrq_1",
  organization: "org_clinic",
  right: {
    kind: "rectification",
    disputed: { category: "heart", captured: { start: 1_764_547_200_000 }, device: "dev_1" },
  },
  statement: "it is not mine",
  categories: ["heart"],
  author,
  createTime: 1_764_633_700_000,
  access: "acc_3",
  answers: [refusal],
};

describe("golden receipts", () => {
  it("are signed as they were, and verify for ever", async () => {
    const key = await openReceiptKey({ derive: async () => new Uint8Array(32).fill(7) });
    const revoked = { ...consent, version: 2, revokeTime: 1_764_633_600_000 };
    const claims = {
      given: consentClaims({ consent, replacedEtag: "", ...decided }, patientSide),
      amended: consentClaims(
        { consent: { ...consent, version: 2 }, replacedEtag: "etag", ...decided },
        clinicSide,
      ),
      withdrawn: consentClaims({ consent: revoked, replacedEtag: "etag", ...decided }, patientSide),
      refused: refusalClaims(request, author, decided.time, clinicSide),
      dataDeleted: answerClaims(
        obligation,
        { ...answered, kind: "deleted", statement: "from our systems" },
        2,
        patientSide,
      ),
      dataKept: answerClaims(obligation, keeps, 1, clinicSide),
      rightUsed: rightsClaims(rights, { number: 0, answer: undefined }, patientSide, (id) => `own ${id}`),
      rightRefused: rightsClaims(rights, { number: 1, answer: refusal }, clinicSide, (id) => `known ${id}`),
    };
    const kept = JSON.parse(readFileSync(golden, "utf8")) as Record<keyof typeof claims, string>;
    expect(Object.keys(kept).sort()).toEqual(Object.keys(claims).sort());
    for (const [name, said] of Object.entries(claims)) {
      const jws = kept[name as keyof typeof claims];
      expect(await verifyReceipt(kind, jws, key.jwks), name).toEqual(said);
      expect(await key.sign(kind, said), name).toBe(jws);
    }
  });
});
