import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { ConsentReceiptService } from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import {
  DataKept_Reason,
  DeletionObligationService,
  DeletionObligation_State as State,
} from "@wellapi/gen/wellapi/consent/v1/deletion_obligation_service_pb";
import { ConsentDirectoryService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_directory_service_pb";
import { openReceiptKey, verifyReceipt } from "@wellapi/receipts";
import type { Principal } from "@wellapi/rpc";
import { describe, expect, it } from "vitest";
import { consentCheck } from "../src/check.ts";
import { type DeletionObligation, stateOf } from "../src/obligations/obligation.ts";
import { obligationDocument } from "../src/obligations/obligation-documents.ts";
import { otherPatientId, partition, patientId } from "./installation.ts";
import { problem, reading } from "./messages.ts";
import { day, openScene } from "./requests-scene.ts";

const within = { timeout: 15_000 };
const minute = 60_000;
const clinicApp = {
  kind: "application",
  id: "app_org_clinic",
  organization: "org_clinic",
  credential: "crd_1",
} as const;
const owner = {
  kind: "member",
  id: "usr_owner",
  organization: "org_clinic",
  roles: ["owner"],
  assurance: "passkey",
} as const;
const personOf = (id = patientId, more: object = {}): Principal => ({
  kind: "patient",
  id,
  partition: `local/${id}`,
  assurance: "code",
  ...more,
});
const deleted = {
  answer: { case: "deleted" as const, value: { statement: "from our systems; backups end in May" } },
};
const kept = (reason: DataKept_Reason, more: object = {}) => ({
  answer: { case: "kept" as const, value: { reason, citation: "§ 630f (3) BGB", ...more } },
});

async function openObligations() {
  const scene = await openScene();
  const { as, reads, ask, accept, person, patient, pass, restart } = scene;
  const at = (principal: Principal) => createClient(DeletionObligationService, as(principal, "gateway"));
  const listOf = async (principal: Principal, query: object = {}) =>
    (await at(principal).listDeletionObligations(query)).deletionObligations;
  return {
    ...scene,
    at,
    listOf,
    receipts: (principal: Principal) => createClient(ConsentReceiptService, as(principal, "gateway")),
    /** A consent under which the clinic has read so many values by category. */
    async read(values: Record<string, number>, change: object = {}) {
      const { consent } = await accept((await ask(change)).id);
      reads.byConsent.set(consent!.id, values);
      return consent!.id;
    },
    /** Revokes, and looks into the log some time later, after a crash in between. */
    async revoke(consent: string) {
      await patient().revokeConsent({ consent });
      pass(minute);
      await restart();
    },
    /** As it is once the log has been asked. */
    async obligation(consent: string) {
      await expect
        .poll(async () => (await listOf(clinicApp)).map((one) => one.consent), within)
        .toContain(consent);
      return (await listOf(clinicApp)).find((one) => one.consent === consent)!;
    },
    person,
  };
}

describe("an obligation to delete", () => {
  it("names what the organization received, to both sides by their own ids of the patient, also after a crash, and once", async () => {
    const scene = await openObligations();
    const { read, revoke, obligation, listOf, known, pairwise, reads, restart, clock } = scene;
    const consent = await read({ heart: 120, sleep: 0 });
    await revoke(consent);
    const one = await obligation(consent);
    expect(one).toMatchObject({
      organization: "org_clinic",
      consent,
      patient: known,
      state: State.OPEN,
      received: [{ category: "heart", reads: 2n, values: 120n }],
      answers: [],
    });
    const due = timestampMs(one.dueTime!) - timestampMs(one.createTime!);
    expect([due, timestampMs(one.endTime!) < clock.now()]).toEqual([30 * day, true]);
    const directory = createClient(
      ConsentDirectoryService,
      scene.as({ kind: "service", id: "notices" }, "notices"),
    );
    const held = { partition: personOf().partition!, deletionObligation: one.id };
    const { createTime, dueTime } = one;
    expect(await directory.describeObligation(held)).toMatchObject({
      organization: "org_clinic",
      state: State.OPEN,
      createTime,
      dueTime,
    });
    // Late entries are looked for a day later, and what they say is added.
    reads.byConsent.set(consent, { heart: 150 });
    scene.pass(day);
    await restart();
    await expect
      .poll(async () => (await listOf(clinicApp))[0]?.received.map(({ values }) => values), within)
      .toEqual([150n]);
    const own = await listOf(personOf());
    expect(own.map(({ id, patient }) => [id, patient])).toEqual([
      [one.id, pairwise.outward("installation", patientId)],
    ]);
    expect(await listOf(clinicApp)).toHaveLength(1);
    const asked = reads.asked.length;
    scene.pass(2 * day);
    await restart();
    expect([reads.asked.length, (await listOf(clinicApp)).length]).toEqual([asked, 1]);
  });

  it("is none where nothing was received, and waits while the log cannot be asked", async () => {
    const { read, patient, pass, restart, obligation, listOf, reads } = await openObligations();
    const [nothing, something] = [await read({}), await read({ heart: 1 })];
    for (const consent of [nothing, something]) await patient().revokeConsent({ consent });
    reads.reachable = false;
    pass(minute);
    await restart();
    expect(await listOf(clinicApp)).toEqual([]);
    reads.reachable = true;
    pass(10 * minute);
    await restart();
    await obligation(something);
    expect((await listOf(personOf())).map(({ consent }) => consent)).toEqual([something]);
    expect(reads.asked).toContain(`org_clinic ${nothing}`);
  });

  it("comes also where a consent ends by itself, and moves with an end that is moved", async () => {
    const { read, ask, accept, pass, restart, obligation, listOf, reads, clock } = await openObligations();
    const until = (days: number) => ({ validity: { endTime: timestampFromMs(clock.now() + days * day) } });
    const consent = await read({ heart: 3 }, until(10));
    pass(9 * day);
    await accept((await ask({ continues: consent, ...until(10) })).id);
    pass(2 * day);
    await restart();
    expect([await listOf(clinicApp), reads.asked]).toEqual([[], []]);
    pass(9 * day);
    await restart();
    expect((await obligation(consent)).received).toMatchObject([{ values: 3n }]);
  });

  it("comes after an erasure, too: what left the exchange is what an erasure does not reach", async () => {
    const { read, decisions, pass, restart, obligation, listOf } = await openObligations();
    const consent = await read({ heart: 7 });
    await decisions().revokeAllConsents({ partition });
    pass(minute);
    await restart();
    expect((await obligation(consent)).received).toMatchObject([{ values: 7n }]);
    await decisions().deleteConsents({ partition });
    expect(await listOf(clinicApp)).toEqual([]);
  });

  it("is made again under its id after a restore of older data, which the journal ends as before", async () => {
    const { read, backUp, patient, pass, restart, obligation } = await openObligations();
    const consent = await read({ heart: 7 });
    const restore = await backUp();
    await patient().revokeConsent({ consent });
    pass(minute);
    await restart();
    const { id } = await obligation(consent);
    await restore();
    pass(minute);
    await restart();
    expect((await obligation(consent)).id).toBe(id);
  });
});

describe("an answer", () => {
  it("that the data is deleted is final; the same again is the same, and another under its id is refused", async () => {
    const { read, revoke, obligation, at, listOf, logged, reads, pass, restart } = await openObligations();
    const consent = await read({ heart: 1 });
    await revoke(consent);
    const { id: deletionObligation, etag } = await obligation(consent);
    const clinic = at(owner);
    const asked = { deletionObligation, answer: deleted, etag, requestId: "a1" };
    const { deletionObligation: first } = await clinic.answerDeletionObligation(asked);
    expect(first).toMatchObject({
      state: State.DELETED,
      answers: [{ actor: { id: "usr_owner" }, answer: deleted.answer }],
    });
    expect((await clinic.answerDeletionObligation(asked)).deletionObligation).toEqual(first);
    const other = { ...asked, answer: kept(DataKept_Reason.RESEARCH) };
    expect(await problem(clinic.answerDeletionObligation(other))).toMatchObject({
      reason: "REQUEST_ID_REUSED",
    });
    expect(await problem(clinic.answerDeletionObligation({ ...other, requestId: "a2" }))).toMatchObject({
      reason: "OBLIGATION_ANSWERED",
    });
    expect((await listOf(personOf()))[0]).toMatchObject({ state: State.DELETED, answers: [{}] });
    // What was answered stays as it was, whatever the log gets later.
    reads.byConsent.set(consent, { heart: 99 });
    const asks = reads.asked.length;
    pass(2 * day);
    await restart();
    await expect.poll(() => reads.asked.length, within).toBeGreaterThan(asks);
    expect((await listOf(clinicApp))[0]!.received).toEqual(first!.received);
    const entries = (await logged()).filter(({ method }) => method.endsWith("/AnswerDeletionObligation"));
    expect(entries.map(({ outcome, consents }) => [Access_Outcome[outcome], consents.length])).toEqual([
      ["PERMITTED", 1],
      ["PERMITTED", 0],
      ["DENIED", 0],
    ]);
  });

  it("that it is kept names a lawful reason and the rule; it may be followed by another, under the version that was seen", async () => {
    const { read, revoke, obligation, at, pass, listOf, ask, accept } = await openObligations();
    const consent = await read({ heart: 1 });
    await revoke(consent);
    const { id: deletionObligation, etag } = await obligation(consent);
    const clinic = at(clinicApp);
    let ids = 0;
    const say = (answer: object, more: object = {}) =>
      clinic.answerDeletionObligation({ deletionObligation, answer, requestId: `k${++ids}`, ...more });
    pass(31 * day);
    expect((await listOf(personOf(), { states: [State.OVERDUE] })).map(({ id }) => id)).toEqual([
      deletionObligation,
    ]);
    for (const [wrong, reason] of [
      [kept(DataKept_Reason.OTHER_CONSENT), "NO_OTHER_CONSENT"],
      [kept(DataKept_Reason.UNSPECIFIED), "INVALID_FIELD"],
      [kept(99 as DataKept_Reason), "INVALID_FIELD"],
      [kept(DataKept_Reason.RESEARCH, { citation: " " }), "INVALID_FIELD"],
      [kept(DataKept_Reason.RESEARCH, { keepUntilTime: timestampFromMs(1) }), "INVALID_FIELD"],
      [{ answer: { case: "deleted", value: { statement: "a\u202eb" } } }, "INVALID_FIELD"],
      [{}, "INVALID_FIELD"],
    ] as const) {
      expect(await problem(say(wrong))).toMatchObject({ reason });
    }
    await say(kept(DataKept_Reason.LEGAL_OBLIGATION));
    expect(await problem(say(deleted, { etag }))).toMatchObject({ reason: "STALE_ETAG" });
    await accept((await ask()).id);
    await say(kept(DataKept_Reason.OTHER_CONSENT));
    const { deletionObligation: after } = await say(deleted);
    expect(after).toMatchObject({ state: State.DELETED, answers: [{}, {}, {}] });
    expect(await listOf(personOf(), { states: [State.OPEN, State.OVERDUE, State.KEPT] })).toEqual([]);
  });

  it("has a receipt for both sides, which names what was received and what is said", async () => {
    const { read, revoke, obligation, at, receipts, kms, known, pairwise } = await openObligations();
    const consent = await read({ heart: 5 });
    await revoke(consent);
    const { id: deletionObligation } = await obligation(consent);
    const asked = (number = 0) => ({
      decision: { case: "obligationAnswer" as const, value: { deletionObligation, number } },
    });
    expect(await problem(receipts(clinicApp).getConsentReceipt(asked()))).toMatchObject({
      reason: "NO_RECEIPT",
    });
    const answer = kept(DataKept_Reason.LEGAL_CLAIMS);
    await at(clinicApp).answerDeletionObligation({ deletionObligation, answer, requestId: "a" });
    await at(clinicApp).answerDeletionObligation({ deletionObligation, answer: deleted, requestId: "b" });
    const { jwks } = await openReceiptKey(kms);
    const claimsOf = async (principal: Principal, number?: number) => {
      const { jws } = await receipts(principal).getConsentReceipt(asked(number));
      return verifyReceipt("wellapi-consent-receipt+jwt", jws, jwks);
    };
    const me = pairwise.outward("installation", patientId);
    const [mine, theirs] = [await claimsOf(personOf()), await claimsOf(clinicApp)];
    expect(mine).toMatchObject({
      record_id: `${deletionObligation}.2`,
      receipt_holder: me,
      pii_principal_id: me,
      received: [{ pii_information: "heart", values: 5 }],
      event: { type: "deletion_attested", ...deleted.answer.value, access: expect.stringMatching(/^acc_/) },
    });
    expect(theirs).toMatchObject({ receipt_holder: "org_clinic", pii_principal_id: known });
    expect(JSON.stringify(mine)).not.toContain(known);
    expect(JSON.stringify(theirs)).not.toContain(me);
    expect(await claimsOf(personOf(), 1)).toMatchObject({
      event: { type: "deletion_declined", lawful_reason: "legal_claims", citation: "§ 630f (3) BGB" },
    });
    expect(await problem(receipts(personOf()).getConsentReceipt(asked(3)))).toMatchObject({
      reason: "NO_RECEIPT",
    });
  });
});

describe("others", () => {
  it("who guess an id get the answer that an id without an obligation gets, and see none in lists", async () => {
    const { read, revoke, obligation, at, listOf, receipts } = await openObligations();
    const consent = await read({ heart: 1 });
    await revoke(consent);
    const { id } = await obligation(consent);
    const maker = { ...clinicApp, id: "app_org_maker", organization: "org_maker" };
    for (const principal of [maker, { ...owner, organization: "org_maker" }, personOf(otherPatientId)]) {
      const answers = await Promise.all(
        [id, "dob_none"].map(async (deletionObligation) => [
          await problem(at(principal).getDeletionObligation({ deletionObligation })),
          await problem(
            receipts(principal).getConsentReceipt({
              decision: { case: "obligationAnswer", value: { deletionObligation } },
            }),
          ),
        ]),
      );
      expect(answers[0]).toEqual(answers[1]);
      expect(answers[0]).toMatchObject([{ reason: "NOT_FOUND" }, { reason: "NOT_FOUND" }]);
      expect(await listOf(principal)).toEqual([]);
    }
    const answer = { answer: deleted, requestId: "x" };
    const theirs = await problem(at(maker).answerDeletionObligation({ deletionObligation: id, ...answer }));
    expect(theirs).toEqual(
      await problem(at(maker).answerDeletionObligation({ deletionObligation: "dob_none", ...answer })),
    );
    const patients = at(personOf()).answerDeletionObligation({ deletionObligation: id, ...answer });
    expect(await problem(patients)).toMatchObject({ reason: "CALLER_NOT_PERMITTED" });
    const token = { ...clinicApp, onlyPatient: partition };
    expect(
      await problem(at(token).answerDeletionObligation({ deletionObligation: id, ...answer })),
    ).toMatchObject({ reason: "SCOPE_REQUIRED" });
    expect((await listOf(clinicApp))[0]!.answers).toEqual([]);
  });

  it("who act for a minor see none about the minor's own care, by what was permitted or by what was read", async () => {
    const { read, revoke, patient, obligation, listOf, at, pass, restart } = await openObligations();
    const [open, other] = [await read({ heart: 1 }), await read({ heart: 1, sleep: 4 })];
    const named = await read(
      { heart: 1 },
      { provisions: [{ ...reading, categories: [{ name: "mental_health" }] }] },
    );
    for (const consent of [open, other]) await patient().revokeConsent({ consent });
    await revoke(named);
    for (const consent of [open, other, named]) await obligation(consent);
    pass(1);
    await restart();
    const guardian = personOf(patientId, {
      hides: ["mental_health", "sleep"],
      actor: { kind: "guardian", id: "usr_guardian" },
    });
    expect((await listOf(guardian)).map(({ consent }) => consent)).toEqual([open]);
    const { id } = await obligation(named);
    expect(await problem(at(guardian).getDeletionObligation({ deletionObligation: id }))).toMatchObject({
      reason: "NOT_FOUND",
    });
    expect(await listOf(personOf())).toHaveLength(3);
  });
});

it("a check finds an obligation that is not the one that was sealed", async () => {
  const { read, revoke, obligation, store, vault, kms, sealer, sealing } = await openObligations();
  const consent = await read({ heart: 1 });
  await revoke(consent);
  const { id } = await obligation(consent);
  const { documents } = await consentCheck({ vault, kms, sealer });
  const stored = (await store.get("deletion_obligations", [partition, id]))!;
  const checked = (document: object) => documents.deletion_obligations!({ ...stored.document, ...document });
  expect(await checked({})).toBeUndefined();
  expect(await checked({ organization_mac: "mac" })).toMatchObject({
    what: expect.stringContaining("sealed"),
  });
  const changed = new Uint8Array(stored.document.sealed as Uint8Array);
  changed[30]! ^= 1;
  expect(await checked({ sealed: changed })).toMatchObject({ what: "its seal does not open" });
  // What lies beside the seal says neither who nor what.
  const key = await vault.key(partition, "audit");
  const content: DeletionObligation = {
    id,
    organization: "org_canary",
    consent,
    named: ["heart"],
    endTime: 1,
    received: [],
    createTime: 1,
    dueTime: 2,
    answers: [],
  };
  const { sealed: _, ...beside } = obligationDocument(key, sealing, partition, content);
  expect(JSON.stringify(beside)).not.toMatch(/canary|heart/);
  expect([stateOf(content, 1), stateOf(content, 2)]).toEqual(["open", "overdue"]);
});
