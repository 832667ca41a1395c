import { type Client, createClient, type Transport } from "@connectrpc/connect";
import type { Question } from "@wellapi/enforcer";
import { DeathReport_State, DeathService } from "@wellapi/gen/wellapi/consent/v1/death_service_pb";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import type { ConsentDecisionService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import { DenialReason } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Principal } from "@wellapi/rpc";
import { describe, expect, it, vi } from "vitest";
import { type CurrentConsents, type Freeze, withClosed } from "../src/consent.ts";
import { decide } from "../src/decision.ts";
import { openInstallation, otherPatientId, partition, patientId } from "./installation.ts";
import { problem, reading, wanted } from "./messages.ts";
import { categories, consentOf, currentOf, permission } from "./terms.ts";

const doctor: Principal = {
  kind: "member",
  id: "usr_doctor",
  organization: "org_clinic",
  roles: ["clinician"],
  assurance: "fresh",
};
const officer: Principal = {
  kind: "operator",
  id: "usr_officer",
  roles: ["privacy_officer"],
  assurance: "fresh",
};
const question: Question = {
  partition,
  organization: "org_clinic",
  direction: Direction.READ,
  code: "8867-4",
  purpose: Purpose.TREATMENT,
  region: "local",
};
const contributing = { ...reading, directions: [Direction.CONTRIBUTE], purposes: [], resolution: 0 };
const note = "certificate 12/2026 seen";

async function openScene() {
  const installation = await openInstallation();
  const at = (transport: Transport) => createClient(DeathService, transport);
  const as = (principal: Principal) => at(installation.as(principal, "gateway"));
  const consent = { ...wanted, provisions: [reading, contributing] };
  const { consent: given } = await installation.patient().createConsent({ consent, requestId: "c1" });
  const known = installation.pairwise.outward("org_clinic", patientId);
  let requests = 0;
  const said = (patient = known) => ({
    patient,
    dateOfDeath: "2026-03-31",
    grounds: "certificate 12/2026",
    requestId: `r${++requests}`,
  });
  const report = async (by = doctor) => {
    const patient = installation.pairwise.outward(by.organization ?? "installation", patientId);
    return (await as(by).reportDeath(said(patient))).deathReport!.id;
  };
  const decideOn = (rpc: "confirmDeath" | "dismissDeathReport" | "undoDeath", id: string) =>
    as(officer)[rpc]({ deathReport: id, note });
  const confirm = (id: string) => decideOn("confirmDeath", id);
  const undo = (id: string) => decideOn("undoDeath", id);
  async function decided(change: Partial<Question> = {}) {
    const { decision } = await installation.decisions().decide({ question: { ...question, ...change } });
    return decision!.grants[0]?.consent ?? DenialReason[decision!.denialReason];
  }
  return {
    ...installation,
    transportAs: installation.as,
    as,
    given: given!.id,
    said,
    report,
    decideOn,
    confirm,
    undo,
    decided,
    async standing() {
      const identity = installation.as({ kind: "service", id: "identity" }, "identity");
      const asked = { partition, consents: [given!.id], grantee: "org_clinic" };
      return (await installation.decisions(identity).getStanding(asked)).inForce;
    },
  };
}

/** A replica that holds a session, and neither renews it nor acknowledges anything. */
async function openSilentSession(decisions: Client<typeof ConsentDecisionService>) {
  const over = Promise.withResolvers<void>();
  async function* requests() {
    yield { message: { case: "open", value: { enforcer: "records-paused" } } } as const;
    await over.promise;
  }
  const answers = decisions.watch(requests())[Symbol.asyncIterator]();
  expect((await answers.next()).value).toMatchObject({ message: { case: "opened" } });
  return {
    async end() {
      over.resolve();
      for (let next = await answers.next(); !next.done; next = await answers.next());
    },
  };
}

describe("a decision about a frozen record", () => {
  const asked = {
    ...{ partition: "local/pat_1", organization: "org_clinic", code: "8867-4", region: "local" },
    ...({ direction: "read", purpose: "treatment" } as const),
  };
  const frozen = (freeze: Freeze, current: CurrentConsents) => ({ ...current, freeze });
  const ask = (current: CurrentConsents, change: object = {}) =>
    decide(current, { ...asked, ...change }, 1_000_000, categories);
  const permitted = currentOf(consentOf([permission, { ...permission, directions: ["contribute"] }]));

  it("permits nothing that consents or an emergency permit, and all of it once the freeze is undone", () => {
    const now = frozen({ time: 1, changes: 1 }, permitted);
    expect(ask(permitted)).toMatchObject({ permitted: true });
    expect(ask(now)).toEqual({ permitted: false, reason: "frozen" });
    expect(ask(now, { direction: "contribute" })).toEqual({ permitted: false, reason: "frozen" });
    expect(ask(frozen({ changes: 2 }, permitted))).toEqual(ask(permitted));
    const open = [{ id: "emg_1", organization: "org_clinic", clinician: "usr_1", expireTime: 2_000_000 }];
    const emergency = { ...permitted, emergency: { open, refusals: 0 } };
    const reads = { purpose: "emergency", person: "usr_1" };
    expect(ask(emergency, reads)).toMatchObject({ permitted: true });
    expect(ask(frozen({ time: 1, changes: 1 }, emergency), reads)).toEqual({
      permitted: false,
      reason: "frozen",
    });
  });

  it("gives the same reason as before to who has no consent, so that nobody learns of a death by asking", () => {
    const now = frozen({ time: 1, changes: 1 }, permitted);
    for (const change of [
      { organization: "org_maker" },
      { purpose: "research" },
      { region: "elsewhere" },
      { code: "55423-8" },
    ]) {
      expect(ask(now, change)).toEqual(ask(permitted, change));
    }
  });

  it("stays, whatever else happens to the record, and permits nothing where it is not understood", () => {
    expect(withClosed(frozen({ time: 1, changes: 1 }, permitted)).freeze).toEqual({ time: 1, changes: 1 });
    const newer = frozen({ changes: 1, until: 5 } as never, permitted);
    expect(ask(newer)).toMatchObject({ permitted: false, reason: "not_understood" });
    expect(ask(frozen("yes" as never, permitted))).toMatchObject({ reason: "not_understood" });
  });
});

describe("a report of a death", () => {
  it("changes nothing by itself, and is told at once", async () => {
    const { report, decided, given, deaths, standing, logged } = await openScene();
    await report();
    expect(await decided()).toBe(given);
    expect(await standing()).toBe(true);
    expect(deaths.told).toEqual([["REPORTED", 0]]);
    const entry = (await logged()).at(-1);
    expect(entry?.method).toBe("wellapi.consent.v1.DeathService/ReportDeath");
  });

  it("is for members of an organization that has a consent now, by its own id; others get one answer", async () => {
    const { as, said, pairwise, patient, given } = await openScene();
    const refused = async (by: Principal, id: string) =>
      (await problem(as(by).reportDeath(said(id))))?.reason;
    const atMaker = { ...doctor, organization: "org_maker" };
    const ofClinic = pairwise.outward("org_clinic", patientId);
    expect(await refused(atMaker, pairwise.outward("org_maker", patientId))).toBe("NOT_FOUND");
    expect(await refused(atMaker, ofClinic)).toBe("NOT_FOUND");
    expect(await refused(doctor, pairwise.outward("org_clinic", otherPatientId))).toBe("NOT_FOUND");
    expect(await refused(doctor, "pat_nobody")).toBe("NOT_FOUND");
    expect(await refused(officer, pairwise.outward("installation", "pat_00000000000000000000000009"))).toBe(
      "NOT_FOUND",
    );
    expect(await refused({ ...doctor, roles: ["developer", "auditor"] }, ofClinic)).toBe("ROLE_REQUIRED");
    expect(await refused({ ...officer, roles: ["support", "operator"] }, ofClinic)).toBe("ROLE_REQUIRED");
    expect(await refused({ kind: "patient", id: patientId, partition }, ofClinic)).toBe(
      "CALLER_NOT_PERMITTED",
    );
    await patient().revokeConsent({ consent: given });
    expect(await refused(doctor, ofClinic)).toBe("NOT_FOUND");
  });

  it("names a day that has come", async () => {
    const { as, said } = await openScene();
    for (const dateOfDeath of ["2026-02-30", "2999-01-01"]) {
      const call = as(doctor).reportDeath({ ...said(), dateOfDeath });
      expect(await problem(call)).toMatchObject({ violations: [{ field: "date_of_death" }] });
    }
  });

  it("is one, however often it is sent; and an organization has one that waits", async () => {
    const { as, said, deaths, report, decideOn } = await openScene();
    const asked = said();
    const { deathReport: first } = await as(doctor).reportDeath(asked);
    expect((await as(doctor).reportDeath(asked)).deathReport).toEqual(first);
    expect(await problem(as(doctor).reportDeath({ ...asked, grounds: "other" }))).toMatchObject({
      reason: "REQUEST_ID_REUSED",
    });
    expect(await problem(as(doctor).reportDeath(said()))).toMatchObject({ reason: "DEATH_REPORTED" });
    expect(deaths.told).toHaveLength(1);
    await report(officer);
    await decideOn("dismissDeathReport", first!.id);
    expect(await report()).not.toBe(first!.id);
  });

  it("is listed for the privacy officer and for the organization that made it, without the officer's notes", async () => {
    const { as, report, confirm, pairwise } = await openScene();
    const [own, other] = [await report(), await report(officer)];
    await confirm(own);
    const ofClinic = (await as(doctor).listDeathReports({})).deathReports;
    expect(ofClinic).toMatchObject([
      {
        ...{ id: own, organization: "org_clinic", reporter: "usr_doctor", note: "" },
        ...{ state: DeathReport_State.CONFIRMED, patient: pairwise.outward("org_clinic", patientId) },
      },
    ]);
    const all = (await as(officer).listDeathReports({})).deathReports;
    expect(all.map(({ id, note: notes, patient }) => [id, notes, patient]).sort()).toEqual(
      [
        [own, note, pairwise.outward("installation", patientId)],
        [other, "", pairwise.outward("installation", patientId)],
      ].sort(),
    );
    expect((await as({ ...doctor, organization: "org_maker" }).listDeathReports({})).deathReports).toEqual(
      [],
    );
  });
});

describe("a confirmed death", () => {
  it("ends all reading and contributing under consents on every replica, and keeps the consents as they are", async () => {
    const { report, confirm, enforcer, patient, decided, standing, deaths, given } = await openScene();
    const records = await enforcer();
    const contribute = { ...question, direction: Direction.CONTRIBUTE };
    expect(await records.decide(question)).toMatchObject({ permitted: true });
    expect(await records.decide(contribute)).toMatchObject({ permitted: true });
    const before = (await patient().getConsent({ consent: given })).consent;
    const recalls: unknown[] = [];
    records.onRecall((recall) => recalls.push(recall));

    const { deathReport } = await confirm(await report());
    expect(deathReport).toMatchObject({ state: DeathReport_State.CONFIRMED, note });
    expect(recalls[0]).toMatchObject({ partition, onlyWidens: false, grantees: [] });
    expect(records.peek(question)).toBeUndefined();
    const frozen = { permitted: false, reason: DenialReason.FROZEN };
    expect(await records.decide(question)).toEqual(frozen);
    expect(await records.decide(contribute)).toEqual(frozen);
    expect(await decided({ organization: "org_maker" })).toBe("NO_CONSENT");
    expect(await standing()).toBe(false);
    expect(deaths.told.at(-1)).toEqual(["CONFIRMED", 1]);
    expect((await patient().getConsent({ consent: given })).consent).toEqual(before);
  });

  it("waits for a replica that does not answer until its lease is over, and then nothing is permitted there", async () => {
    const { report, confirm, decided, decisions, asRecords, as, deaths } = await openScene();
    const silent = await openSilentSession(decisions(asRecords()));
    const id = await report();
    const since = performance.now();
    await confirm(id);
    // Its lease is over: what it remembers permits nothing any more.
    expect(performance.now() - since).toBeGreaterThan(1_000);
    await silent.end();
    expect(await decided()).toBe("FROZEN");
    expect((await as(officer).listDeathReports({})).deathReports).toMatchObject([{ id }]);
    expect(deaths.told.at(-1)).toEqual(["CONFIRMED", 1]);
  });

  it("takes no new consent and no emergency access; a representative's revocation holds for good", async () => {
    const { report, confirm, undo, patient, transportAs, pairwise, decided, given } = await openScene();
    const id = await report();
    await confirm(id);
    const another = patient().createConsent({ consent: wanted, requestId: "c2" });
    expect(await problem(another)).toMatchObject({ reason: "RECORD_FROZEN" });
    const emergencies = createClient(EmergencyService, transportAs(doctor, "gateway"));
    const opened = emergencies.openEmergencyAccess({
      who: { case: "patient", value: pairwise.outward("org_clinic", patientId) },
      reason: "found unconscious",
      requestId: "e1",
    });
    expect(await problem(opened)).toMatchObject({ reason: "RECORD_FROZEN" });
    await patient().revokeConsent({ consent: given });
    await undo(id);
    expect(await decided()).toBe("REVOKED");
  });

  it("is undone without loss, and the same again gives the same answer", async () => {
    const { report, confirm, undo, decided, standing, deaths, given, patient, logged } = await openScene();
    const id = await report();
    const confirmed = await confirm(id);
    expect(await confirm(id)).toEqual(confirmed);
    const { deathReport } = await undo(id);
    expect(deathReport!.state).toBe(DeathReport_State.UNDONE);
    expect((await undo(id)).deathReport).toEqual(deathReport);
    expect(await decided()).toBe(given);
    expect(await standing()).toBe(true);
    expect(deaths.told).toEqual([
      ["REPORTED", 0],
      ["CONFIRMED", 1],
      ["UNDONE", 2],
    ]);
    await patient().createConsent({ consent: wanted, requestId: "c2" });
    const methods = (await logged()).map(({ method }) => method.split("/")[1]);
    expect(methods.filter((name) => name?.endsWith("Death"))).toEqual([
      "ReportDeath",
      "ConfirmDeath",
      "ConfirmDeath",
      "UndoDeath",
      "UndoDeath",
    ]);
  });

  it("is decided by the privacy officer alone, just signed in; each report once", async () => {
    const { as, report, confirm, undo, decideOn, decided, given } = await openScene();
    const id = await report();
    for (const who of [
      doctor,
      { ...officer, roles: ["operator", "staff_auditor", "support"] } as Principal,
    ]) {
      expect(await problem(as(who).confirmDeath({ deathReport: id, note }))).toBeDefined();
    }
    const stale = as({ ...officer, assurance: "passkey" }).confirmDeath({ deathReport: id, note });
    expect(await problem(stale)).toMatchObject({ reason: "ASSURANCE_REQUIRED" });
    expect(await problem(confirm("dth_00000000000000000000000001"))).toMatchObject({ reason: "NOT_FOUND" });
    expect(await problem(undo(id))).toMatchObject({ reason: "REPORT_DECIDED" });
    expect(await decided()).toBe(given);
    const other = await report(officer);
    await confirm(id);
    expect(await problem(confirm(other))).toMatchObject({ reason: "RECORD_FROZEN" });
    expect(await problem(decideOn("dismissDeathReport", id))).toMatchObject({ reason: "REPORT_DECIDED" });
    expect(await problem(undo(other))).toMatchObject({ reason: "REPORT_DECIDED" });
    expect(await decided()).toBe("FROZEN");
    await undo(id);
    expect(await problem(confirm(id))).toMatchObject({ reason: "REPORT_DECIDED" });
    await confirm(other);
    expect(await decided()).toBe("FROZEN");
  });

  it("holds where identity does not answer, says so, and identity learns of it without being asked again", async () => {
    const { report, confirm, deaths, decided, restart } = await openScene();
    const id = await report();
    deaths.reachable = false;
    expect(await problem(confirm(id))).toMatchObject({ reason: "STORE_UNAVAILABLE" });
    expect(await decided()).toBe("FROZEN");
    await restart(async () => {
      deaths.reachable = true;
    });
    await vi.waitFor(() => expect(deaths.told.at(-1)).toEqual(["CONFIRMED", 1]), 15_000);
  });
});

describe("a restore from a backup", () => {
  it("taken before the report and the confirmation keeps the record frozen, and it can be undone", async () => {
    const { report, confirm, undo, decided, backUp, as, given } = await openScene();
    const restore = await backUp();
    const id = await report();
    await confirm(id);
    await restore();
    expect(await decided()).toBe("FROZEN");
    const [lost] = (await as(officer).listDeathReports({})).deathReports;
    expect(lost).toMatchObject({ id, state: DeathReport_State.CONFIRMED, reporter: "" });
    await undo(id);
    expect(await decided()).toBe(given);
  });

  it("taken before the confirmation keeps it confirmed", async () => {
    const { report, confirm, decided, backUp, as } = await openScene();
    const id = await report();
    const restore = await backUp();
    await confirm(id);
    await restore();
    expect(await decided()).toBe("FROZEN");
    expect((await as(officer).listDeathReports({})).deathReports).toMatchObject([
      { id, state: DeathReport_State.CONFIRMED, reporter: "usr_doctor" },
    ]);
  });

  it("taken before the undoing keeps it undone, and a later confirmation freezes again", async () => {
    const { report, confirm, undo, decided, backUp, given, as } = await openScene();
    const id = await report();
    await confirm(id);
    const restore = await backUp();
    await undo(id);
    await restore();
    expect(await decided()).toBe(given);
    expect((await as(officer).listDeathReports({})).deathReports).toMatchObject([
      { id, state: DeathReport_State.UNDONE },
    ]);
    await confirm(await report());
    expect(await decided()).toBe("FROZEN");
  });
});
