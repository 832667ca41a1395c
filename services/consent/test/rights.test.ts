import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { ConsentReceiptService } from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import {
  Restriction_Ground as Ground,
  RightsFulfilled_Measure as Measure,
  RightsRefused_Reason as Reason,
  RightsRequest_State as State,
} from "@wellapi/gen/wellapi/consent/v1/rights_request_pb";
import { RightsService } from "@wellapi/gen/wellapi/consent/v1/rights_service_pb";
import { ConsentDirectoryService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_directory_service_pb";
import { Direction, Purpose, TimeIntervalSchema } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { openReceiptKey, verifyReceipt } from "@wellapi/receipts";
import type { Principal } from "@wellapi/rpc";
import { describe, expect, it } from "vitest";
import { consentCheck } from "../src/check.ts";
import { noConsents, withClosed } from "../src/consent.ts";
import { withDispute } from "../src/disputes.ts";
import { monthsAfter } from "../src/rights/rights-request.ts";
import { otherPatientId, partition, patientId } from "./installation.ts";
import { problem } from "./messages.ts";
import { day, openScene } from "./requests-scene.ts";

const organizationApp = (organization: string): Principal => ({
  kind: "application",
  id: `app_${organization}`,
  organization,
  credential: "crd_1",
});
const clinic = organizationApp("org_clinic");
const personOf = (id = patientId, more: object = {}): Principal => ({
  kind: "patient",
  id,
  partition: `local/${id}`,
  assurance: "passkey",
  ...more,
});
const guardian = personOf(patientId, {
  hides: ["sexual_health"],
  actor: { kind: "guardian", id: "usr_guardian" },
});

const restriction = (categories: string[] = []) => ({
  case: "restriction" as const,
  value: { ground: Ground.ACCURACY_CONTESTED, categories },
});
const objection = (purpose: Purpose) => ({ case: "objection" as const, value: { purpose } });
const rectification = (more: object = {}) => ({
  case: "rectification" as const,
  value: { category: "heart", ...more },
});
const portability = { case: "portability" as const, value: {} };
const fulfilled = (measure = Measure.DONE) => ({
  answer: { case: "fulfilled" as const, value: { measure, statement: "as you asked" } },
});
const refused = (reason = Reason.OTHER_LAW) => ({
  answer: {
    case: "refused" as const,
    value: { reason, explanation: "the device is right", remedies: "the supervisory authority, a court" },
  },
});
const extended = { answer: { case: "extended" as const, value: { reason: "many requests" } } };

async function openRights() {
  const scene = await openScene();
  const { as } = scene;
  const at = (principal: Principal) => createClient(RightsService, as(principal, "gateway"));
  let number = 0;
  type Right = ReturnType<
    typeof restriction | typeof objection | typeof rectification | (() => typeof portability)
  >;
  return {
    ...scene,
    at,
    async demand(right: Right, principal = personOf(), requestId = `d${++number}`) {
      const rightsRequest = { organization: "org_clinic", right, statement: "it is not mine" };
      return (await at(principal).createRightsRequest({ rightsRequest, requestId })).rightsRequest!;
    },
    async answer(rightsRequest: string, answer: object, principal = clinic, requestId = `a${++number}`) {
      return (await at(principal).answerRightsRequest({ rightsRequest, answer, requestId })).rightsRequest!;
    },
    listOf: async (principal: Principal, query: object = {}) =>
      (await at(principal).listRightsRequests(query)).rightsRequests,
  };
}

describe("a restriction", () => {
  it("stops the organization's reads from the moment of the request, whatever it answers, until it is withdrawn", async () => {
    const { ask, accept, readable, demand, answer, at } = await openRights();
    await accept((await ask()).id);
    expect(await readable()).toHaveLength(1);
    const one = await demand(restriction(["heart"]));
    expect([await readable(), one.denied, one.state]).toEqual([[], true, State.OPEN]);
    const told = await answer(one.id, refused(Reason.NO_GROUND));
    expect([await readable(), told.denied, told.state]).toEqual([[], true, State.REFUSED]);
    const withdraw = () => at(personOf()).withdrawRightsRequest({ rightsRequest: one.id });
    const { rightsRequest } = await withdraw();
    expect([rightsRequest!.state, rightsRequest!.denied]).toEqual([State.WITHDRAWN, false]);
    expect(await readable()).toHaveLength(1);
    expect((await withdraw()).rightsRequest).toEqual(rightsRequest);
    expect(await problem(answer(one.id, fulfilled()))).toMatchObject({ reason: "RIGHTS_REQUEST_DECIDED" });
  });

  it("is made once, however often it is sent; ends, too, where the patient revokes what denies", async () => {
    const { ask, accept, readable, demand, patient, listOf, at } = await openRights();
    await accept((await ask()).id);
    const sent = await Promise.all([1, 2, 3].map(() => demand(restriction(), personOf(), "same")));
    expect(new Set(sent.map(({ id, denial }) => `${id} ${denial}`)).size).toBe(1);
    expect(await problem(demand(portability, personOf(), "same"))).toMatchObject({
      reason: "REQUEST_ID_REUSED",
    });
    const consents = (await patient().listConsents({})).consents;
    expect(consents.filter(({ id }) => id === sent[0]!.denial)).toHaveLength(1);
    await patient().revokeConsent({ consent: sent[0]!.denial });
    const [seen] = await listOf(clinic);
    expect([seen?.denied, seen?.state, (await readable()).length]).toEqual([false, State.OPEN, 1]);
    const { rightsRequest } = await at(personOf()).withdrawRightsRequest({ rightsRequest: sent[0]!.id });
    expect(rightsRequest?.state).toBe(State.WITHDRAWN);
  });
});

it("an objection stops reads for its purpose, and no other", async () => {
  const { ask, accept, readable, demand } = await openRights();
  await accept((await ask()).id);
  await demand(objection(Purpose.RESEARCH));
  expect(await readable()).toHaveLength(1);
  await demand(objection(Purpose.TREATMENT));
  expect(await readable()).toEqual([]);
});

describe("a rectification", () => {
  const heartRate = "8867-4";
  const steps = "55423-8";

  /** What every reader is told that the patient disputes, of data of a code. */
  async function openDisputes() {
    const scene = await openRights();
    const { ask, accept, decisions } = scene;
    await accept((await ask()).id);
    return {
      ...scene,
      async disputed(code = heartRate, direction = Direction.READ) {
        const purpose = direction === Direction.READ ? Purpose.TREATMENT : Purpose.UNSPECIFIED;
        const about = { partition, organization: "org_clinic", region: "local" };
        const { decision } = await decisions().decide({ question: { ...about, code, direction, purpose } });
        return decision!.disputes.map(({ organization, capturedWithin, device, record }) => {
          return { organization, capturedWithin, device, record };
        });
      },
    };
  }

  it("is marked for who reads the data, from the moment of the request until it is decided or taken back", async () => {
    const { disputed, demand, answer, pairwise, at } = await openDisputes();
    expect(await disputed()).toEqual([]);
    const device = "dev_00000000000000000000000007";
    const capturedWithin = create(TimeIntervalSchema, { startTime: timestampFromMs(1_000) });
    const one = await demand(
      rectification({ device: pairwise.outward("installation", device), capturedWithin }),
    );
    const mark = { organization: "org_clinic", capturedWithin, device, record: "" };
    expect([await disputed(), await disputed(steps)]).toEqual([[mark], []]);
    expect(await disputed(heartRate, Direction.CONTRIBUTE)).toEqual([]);
    const two = await demand(rectification());
    const all = { organization: "org_clinic", capturedWithin: undefined, device: "", record: "" };
    expect(await disputed()).toEqual([mark, all]);
    await answer(one.id, extended);
    expect(await disputed()).toEqual([mark, all]);
    await answer(one.id, refused(Reason.ACCURATE));
    expect(await disputed()).toEqual([all]);
    await answer(two.id, fulfilled(Measure.CORRECTED));
    expect(await disputed()).toEqual([]);
    const three = await demand(rectification());
    expect(await disputed()).toEqual([all]);
    await at(personOf()).withdrawRightsRequest({ rightsRequest: three.id });
    expect(await disputed()).toEqual([]);
  });

  it("of one clinical record marks that record, whatever its category; other rights mark nothing", async () => {
    const { disputed, demand, pairwise } = await openDisputes();
    const record = "rec_00000000000000000000000007";
    await demand(rectification({ clinicalRecord: pairwise.outward("installation", record) }));
    await demand(portability);
    expect(await disputed()).toMatchObject([{ record }]);
  });

  it("is answered after an erasure, too, when there is nothing left to mark", async () => {
    const { demand, answer, decisions } = await openDisputes();
    const one = await demand(rectification());
    await decisions().revokeAllConsents({ partition });
    expect((await answer(one.id, refused(Reason.ACCURATE))).state).toBe(State.REFUSED);
    const dispute = {
      request: one.id,
      organization: "o",
      category: { name: "heart", version: 1 },
      captured: {},
    };
    expect(withClosed(withDispute(noConsents, dispute)).disputes).toBeUndefined();
  });

  it("is refused where 100 of them wait for an answer", async () => {
    const { demand, disputed, pass, answer } = await openDisputes();
    let last = "";
    for (let made = 0; made < 100; made += 1) {
      if (made > 0 && made % 20 === 0) pass(31 * day);
      last = (await demand(rectification())).id;
    }
    pass(31 * day);
    expect(await problem(demand(rectification()))).toMatchObject({ reason: "RIGHTS_REQUESTS_LIMITED" });
    await answer(last, refused(Reason.ACCURATE));
    await demand(rectification());
    expect(await disputed()).toHaveLength(100);
  });
});

describe("a request", () => {
  it("is seen by both sides under their own ids, and neither seen nor answered by others", async () => {
    const { demand, answer, at, listOf, known, pairwise, as, logged } = await openRights();
    const device = "dev_00000000000000000000000007";
    const own = pairwise.outward("installation", device);
    const capturedWithin = { startTime: timestampFromMs(1_000), endTime: timestampFromMs(2_000) };
    const one = await demand(rectification({ device: own, capturedWithin }));
    expect([one.patient, one.denial, one.denied]).toEqual([
      pairwise.outward("installation", patientId),
      "",
      false,
    ]);
    const [seen] = await listOf(clinic);
    expect(seen).toMatchObject({ id: one.id, patient: known, statement: "it is not mine" });
    expect(seen!.right.value).toMatchObject({
      category: "heart",
      capturedWithin,
      device: pairwise.outward("org_clinic", device),
    });
    for (const other of [organizationApp("org_maker"), personOf(otherPatientId)]) {
      const get = at(other).getRightsRequest({ rightsRequest: one.id });
      expect(await problem(get)).toMatchObject({ reason: "NOT_FOUND" });
      expect(await listOf(other)).toEqual([]);
    }
    expect(await problem(answer(one.id, fulfilled(), organizationApp("org_maker")))).toMatchObject({
      reason: "NOT_FOUND",
    });
    const token = { ...clinic, onlyPatient: partition };
    expect(await problem(answer(one.id, fulfilled(), token))).toMatchObject({ reason: "SCOPE_REQUIRED" });
    const other = at(personOf(otherPatientId)).withdrawRightsRequest({ rightsRequest: one.id });
    expect(await problem(other)).toMatchObject({ reason: "NOT_FOUND" });
    const directory = createClient(
      ConsentDirectoryService,
      as({ kind: "service", id: "notices" }, "notices"),
    );
    const held = { partition, held: { case: "rightsRequest" as const, value: one.id } };
    expect((await directory.resolveHolders({ holdings: [held] })).organizations).toEqual(["org_clinic"]);
    const made = (await logged()).find(({ method }) => method.endsWith("/CreateRightsRequest"));
    expect([made?.patient, made?.outcome]).toEqual([one.patient, Access_Outcome.PERMITTED]);
  });

  it("is answered within a month, or three where the organization says so in time, once; and may be answered late", async () => {
    const { demand, answer, pass, listOf, clock, at } = await openRights();
    const [one, two] = [await demand(rectification()), await demand(portability)];
    const dueOf = ({ dueTime }: typeof one) => timestampMs(dueTime!);
    expect(dueOf(one)).toBe(monthsAfter(timestampMs(one.createTime!), 1));
    const longer = await answer(one.id, extended, clinic, "more");
    expect([dueOf(longer), longer.state]).toEqual([monthsAfter(timestampMs(one.createTime!), 3), State.OPEN]);
    expect(await answer(one.id, extended, clinic, "more")).toEqual(longer);
    expect(await problem(answer(one.id, extended))).toMatchObject({ reason: "NO_EXTENSION" });
    pass(dueOf(two) - clock.now());
    const states = async () => (await listOf(personOf())).map(({ id, state }) => [id, state]);
    expect(await states()).toEqual(
      expect.arrayContaining([
        [two.id, State.OVERDUE],
        [one.id, State.OPEN],
      ]),
    );
    expect(await problem(answer(two.id, extended))).toMatchObject({ reason: "NO_EXTENSION" });
    expect((await answer(two.id, refused(Reason.NOT_PORTABLE))).state).toBe(State.REFUSED);
    const done = await answer(two.id, fulfilled());
    expect([done.state, done.answers.length]).toEqual([State.FULFILLED, 2]);
    expect(await problem(answer(two.id, refused()))).toMatchObject({ reason: "RIGHTS_REQUEST_DECIDED" });
    const stale = {
      rightsRequest: one.id,
      answer: fulfilled(Measure.CORRECTED),
      requestId: "x",
      etag: "old",
    };
    expect(await problem(at(clinic).answerRightsRequest(stale))).toMatchObject({ reason: "STALE_ETAG" });
  });

  it("is refused where its words, its answer, or its number does not fit", async () => {
    const { demand, answer, at } = await openRights();
    const one = await demand(rectification());
    for (const [wrong, field] of [
      [fulfilled(Measure.DONE), "answer.fulfilled.measure"],
      [refused(Reason.NOT_PORTABLE), "answer.refused.reason"],
    ] as const) {
      expect(await problem(answer(one.id, wrong))).toMatchObject({ violations: [{ field }] });
    }
    const silent = { organization: "org_clinic", right: rectification() };
    const gone = { ...silent, statement: "wrong", organization: "org_deleted" };
    for (const [rightsRequest, field] of [
      [silent, "rights_request.statement"],
      [gone, "rights_request.organization"],
      [{ ...gone, right: rectification({ category: "horoscope" }) }, "rights_request.rectification.category"],
    ] as const) {
      const create = at(personOf()).createRightsRequest({ rightsRequest, requestId: field });
      expect(await problem(create)).toMatchObject({ violations: [{ field }] });
    }
    for (let made = 1; made < 20; made += 1) await demand(portability);
    expect(await problem(demand(portability))).toMatchObject({ reason: "RIGHTS_REQUESTS_LIMITED" });
    expect(await problem(demand(restriction()))).toMatchObject({ reason: "RIGHTS_REQUESTS_LIMITED" });
  });

  it("of a minor's own care is hidden from a guardian, who demands what is theirs to demand", async () => {
    const { demand, listOf, at } = await openRights();
    const own = await demand(rectification({ category: "sexual_health" }));
    const theirs = await demand(restriction(), guardian);
    expect((await listOf(guardian)).map(({ id }) => id)).toEqual([theirs.id]);
    const get = at(guardian).getRightsRequest({ rightsRequest: own.id });
    expect(await problem(get)).toMatchObject({ reason: "NOT_FOUND" });
    expect(await problem(demand(restriction(["sexual_health"]), guardian))).toMatchObject({
      reason: "NOT_FOR_REPRESENTATIVES",
    });
  });

  it("outlives an erasure, for the organization still answers, and ends with the retention; none is made after it", async () => {
    const { demand, decisions, listOf, answer } = await openRights();
    const one = await demand(restriction());
    await decisions().revokeAllConsents({ partition });
    expect(await problem(demand(portability))).toMatchObject({ reason: "PATIENT_ERASED" });
    expect(await problem(demand(restriction()))).toMatchObject({ reason: "PATIENT_ERASED" });
    expect((await answer(one.id, fulfilled())).state).toBe(State.FULFILLED);
    await decisions().deleteConsents({ partition });
    expect(await listOf(clinic)).toEqual([]);
  });

  it("and its answers have a receipt for each side, without the patient's words; a check finds another's seal", async () => {
    const { demand, answer, as, kms, known, pairwise, store, vault, sealer } = await openRights();
    const { id } = await demand(restriction(["heart"]));
    await answer(id, refused(Reason.NO_GROUND));
    const { jwks } = await openReceiptKey(kms);
    const receipt = async (principal: Principal, number: number) => {
      const client = createClient(ConsentReceiptService, as(principal, "gateway"));
      const value = { rightsRequest: id, answer: number };
      const { jws } = await client.getConsentReceipt({ decision: { case: "rightsStep", value } });
      return verifyReceipt("wellapi-consent-receipt+jwt", jws, jwks);
    };
    const made = await receipt(clinic, 0);
    expect(made).toMatchObject({
      record_id: id,
      receipt_holder: "org_clinic",
      pii_principal_id: known,
      right: { kind: "restriction", pii_information: ["heart"] },
      event: { type: "right_used", entity: { kind: "patient", id: known } },
    });
    expect(JSON.stringify(made)).not.toContain("not mine");
    expect(await receipt(personOf(), 1)).toMatchObject({
      record_id: `${id}.1`,
      pii_principal_id: pairwise.outward("installation", patientId),
      event: { type: "right_refused", lawful_reason: "no_ground", remedies: expect.any(String) },
    });
    expect(await problem(receipt(personOf(), 2))).toMatchObject({ reason: "NO_RECEIPT" });
    expect(await problem(receipt(organizationApp("org_maker"), 0))).toMatchObject({ reason: "NOT_FOUND" });
    const { documents } = await consentCheck({ vault, kms, sealer });
    const stored = (await store.get("rights_requests", [partition, id]))!.document;
    const { sealed: _, ...beside } = stored;
    expect(JSON.stringify(beside)).not.toMatch(/org_clinic|heart|restriction|mine/);
    const checked = (change: object) => documents.rights_requests!({ ...stored, ...change });
    expect(await checked({})).toBeUndefined();
    expect(await checked({ organization_mac: "mac" })).toMatchObject({
      what: expect.stringContaining("sealed"),
    });
  });
});

it("a month ends with the day of the same date, or with the last day of a shorter month", () => {
  const after = (from: string, months: number) =>
    new Date(monthsAfter(Date.parse(from), months)).toISOString();
  expect(after("2026-01-31T22:15:00Z", 1)).toBe("2026-03-01T00:00:00.000Z");
  expect(after("2026-03-12T00:00:00Z", 1)).toBe("2026-04-13T00:00:00.000Z");
  expect(after("2026-11-30T10:00:00Z", 3)).toBe("2027-03-01T00:00:00.000Z");
  expect(after("2028-01-30T10:00:00Z", 1)).toBe("2028-03-01T00:00:00.000Z");
  expect(monthsAfter(0, 1)).toBeGreaterThan(31 * day);
});
