import { createClient, type Transport } from "@connectrpc/connect";
import type { Question } from "@wellapi/enforcer";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { EmergencyAccess_Means, EmergencyAccess_State } from "@wellapi/gen/wellapi/consent/v1/emergency_pb";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { DenialReason } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { Actor_Kind, Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Principal } from "@wellapi/rpc";
import { describe, expect, it, vi } from "vitest";
import { openInstallation, otherPatientId, partition, patientId } from "./installation.ts";
import { denial, problem } from "./messages.ts";

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
  assurance: "passkey",
};
const question: Question = {
  partition,
  organization: "org_clinic",
  direction: Direction.READ,
  code: "8867-4",
  purpose: Purpose.EMERGENCY,
  region: "local",
  person: "usr_doctor",
};
const reason = "found unconscious at the station";

async function openScene() {
  const installation = await openInstallation();
  const at = (transport: Transport) => createClient(EmergencyService, transport);
  const as = (principal: Principal) => at(installation.as(principal, "gateway"));
  const patient = as({ kind: "patient", id: patientId, partition, assurance: "passkey" });
  const known = installation.pairwise.outward("org_clinic", patientId);
  let requests = 0;
  const byId = () => ({
    who: { case: "patient" as const, value: known },
    reason,
    requestId: `r${++requests}`,
  });
  const byCode = (code: string) => ({ ...byId(), who: { case: "emergencyCode" as const, value: code } });
  const open = async () => (await as(doctor).openEmergencyAccess(byId())).emergencyAccess!;
  /** Whether a question is permitted, and by what. */
  async function decided(change: Partial<Question> = {}) {
    const { decision } = await installation.decisions().decide({ question: { ...question, ...change } });
    return decision!.grants[0]?.consent ?? DenialReason[decision!.denialReason];
  }
  return {
    ...installation,
    transportAs: installation.as,
    as,
    patientOf: patient,
    known,
    byId,
    byCode,
    open,
    decided,
  };
}

describe("emergency access", () => {
  it("lets the clinician who opened it read for the emergency, for an hour, and nobody and nothing else", async () => {
    const { open, decided, known, clock, emergencies, logged } = await openScene();
    expect(await decided()).toBe("NO_CONSENT");
    const access = await open();
    expect(access).toMatchObject({
      patient: known,
      organization: "org_clinic",
      clinician: "usr_doctor",
      reason,
      means: EmergencyAccess_Means.KNOWN_PATIENT,
      state: EmergencyAccess_State.OPEN,
    });
    expect(Number(access.expireTime!.seconds - access.createTime!.seconds)).toBe(3_600);
    expect(await decided()).toBe(access.id);
    expect(await decided({ person: "usr_colleague" })).toBe("NO_CONSENT");
    expect(await decided({ person: "" })).toBe("NO_CONSENT");
    expect(await decided({ purpose: Purpose.TREATMENT })).toBe("NO_CONSENT");
    expect(await decided({ organization: "org_maker" })).toBe("NO_CONSENT");
    expect(await decided({ direction: Direction.CONTRIBUTE })).toBe("NO_CONSENT");
    expect(await decided({ region: "elsewhere" })).toBe("NO_CONSENT");
    expect(await decided({ partition: `local/${otherPatientId}` })).toBe("NO_CONSENT");
    expect(emergencies.told).toEqual([access.id]);
    expect((await logged()).map((entry) => [entry.method.split("/")[1], entry.emergencyAccess])).toEqual([
      ["OpenEmergencyAccess", access.id],
    ]);

    const { now } = clock;
    clock.now = () => now() + 3_600_000;
    expect(await decided()).toBe("NO_CONSENT");
  });

  it("is for clinicians who have just shown a second factor, of an organization that has it switched on", async () => {
    const { as, byId, emergencies, decided, organization } = await openScene();
    const refused = async (principal: Principal) =>
      (await problem(as(principal).openEmergencyAccess(byId())))?.reason;
    expect(await refused({ ...doctor, assurance: "passkey" })).toBe("ASSURANCE_REQUIRED");
    expect(await refused({ ...doctor, roles: ["owner", "administrator", "auditor"] })).toBe("ROLE_REQUIRED");
    const application = { kind: "application", id: "app_1", organization: "org_clinic" } as const;
    expect(await refused(application)).toBe("CALLER_NOT_PERMITTED");
    // A program in a clinician's hands: the person has not opened anything by it.
    const actor = { kind: "clinician", id: "usr_doctor" } as const;
    expect(await refused({ ...application, actor, assurance: "fresh", scopes: ["user/*.cruds"] })).toBe(
      "CALLER_NOT_PERMITTED",
    );
    emergencies.enabled.clear();
    expect(await refused(doctor)).toBe("EMERGENCY_NOT_ENABLED");
    expect(await decided()).toBe("NO_CONSENT");
    expect((await organization().listConsents({})).consents).toEqual([]);
  });

  it("that is opened while it is switched off is ended at once, so that who ends what is open misses none", async () => {
    const { as, byId, emergencies, decided, patientOf } = await openScene();
    emergencies.asked = () => emergencies.enabled.clear();
    expect(await problem(as(doctor).openEmergencyAccess(byId()))).toMatchObject({
      reason: "EMERGENCY_NOT_ENABLED",
    });
    expect(await decided()).toBe("NO_CONSENT");
    const [only, ...others] = (await patientOf.listEmergencyAccesses({})).emergencyAccesses;
    expect(only?.state).toBe(EmergencyAccess_State.ENDED);
    expect(others).toEqual([]);
  });

  it("finds a patient by the organization's own id, or by the patient's code however it is typed, and by nothing else", async () => {
    const { as, byId, byCode, patientOf, known, pairwise } = await openScene();
    const unknown = async (asked: ReturnType<typeof byId> | ReturnType<typeof byCode>) =>
      (await problem(as(doctor).openEmergencyAccess(asked)))?.reason;
    const others = pairwise.outward("org_maker", patientId);
    expect(await unknown({ ...byId(), who: { case: "patient", value: others } })).toBe("NOT_FOUND");
    expect(await unknown(byCode("7K2M-QX4R-9TBD"))).toBe("NOT_FOUND");
    expect(await unknown(byCode("no code"))).toBe("NOT_FOUND");

    const { emergencyCode: first } = await patientOf.createEmergencyCode({});
    const { emergencyCode } = await patientOf.createEmergencyCode({});
    expect(emergencyCode).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}$/);
    expect(await unknown(byCode(first))).toBe("NOT_FOUND");
    const typed = emergencyCode.toLowerCase().replaceAll("-", " ").replaceAll("0", "o").replaceAll("1", "l");
    const { emergencyAccess } = await as(doctor).openEmergencyAccess(byCode(typed));
    expect(emergencyAccess).toMatchObject({ patient: known, means: EmergencyAccess_Means.EMERGENCY_CODE });
    expect((await patientOf.getEmergencySettings({})).settings?.codeCreateTime).toBeDefined();

    await patientOf.deleteEmergencyCode({});
    expect(await unknown(byCode(emergencyCode))).toBe("NOT_FOUND");
    expect((await patientOf.getEmergencySettings({})).settings?.codeCreateTime).toBeUndefined();
  });

  it("counts tries before it judges them, so that codes cannot be guessed by many calls at once", async () => {
    const { as, byId, byCode, clock } = await openScene();
    const tries = Array.from({ length: 25 }, () =>
      problem(as(doctor).openEmergencyAccess(byCode("AAAA-AAAA-AAAA"))),
    );
    const reasons = (await Promise.all(tries)).map((one) => one?.reason);
    expect(reasons.filter((one) => one === "NOT_FOUND")).toHaveLength(10);
    expect(reasons.filter((one) => one === "EMERGENCY_LIMITED")).toHaveLength(15);
    const last = await problem(as(doctor).openEmergencyAccess(byId()));
    expect(last).toMatchObject({ reason: "EMERGENCY_LIMITED" });
    expect(last!.retryAfterMs).toBeGreaterThan(3_500_000);
    // A colleague has tries of their own, and an hour later there are new ones.
    await as({ ...doctor, id: "usr_colleague" }).openEmergencyAccess(byId());
    const { now } = clock;
    clock.now = () => now() + 3_600_000;
    await as(doctor).openEmergencyAccess(byId());
  });

  it("limits an organization, whose clinicians are many", async () => {
    const { as, byCode } = await openScene();
    const reasons: unknown[] = [];
    for (let clinician = 0; clinician < 11; clinician += 1) {
      const one = as({ ...doctor, id: `usr_${clinician}` });
      const tries = Array.from({ length: 10 }, () => problem(one.openEmergencyAccess(byCode("wrong"))));
      reasons.push(...(await Promise.all(tries)).map((found) => found?.reason));
    }
    expect(reasons.filter((one) => one === "NOT_FOUND")).toHaveLength(100);
    expect(reasons.slice(100)).toEqual(Array(10).fill("EMERGENCY_LIMITED"));
  });

  it("answers the same request with the same access, and tells of it once", async () => {
    const { as, byId, emergencies, patientOf } = await openScene();
    const asked = byId();
    const clinician = as(doctor);
    const { emergencyAccess: first } = await clinician.openEmergencyAccess(asked);
    expect((await clinician.openEmergencyAccess(asked)).emergencyAccess).toEqual(first);
    const other = { ...asked, reason: "some other reason" };
    expect(await problem(clinician.openEmergencyAccess(other))).toMatchObject({
      reason: "REQUEST_ID_REUSED",
    });
    expect((await patientOf.listEmergencyAccesses({})).emergencyAccesses).toHaveLength(1);
    expect(emergencies.told).toEqual([first!.id]);
  });
});

describe("a patient's no", () => {
  it("not even in an emergency: none is opened, and what is open is cut at once", async () => {
    const { as, byId, open, patientOf, decided, enforcer } = await openScene();
    const { id } = await open();
    const records = await enforcer();
    expect(await records.decide(question)).toMatchObject({ permits: [{ consent: id, emergency: true }] });
    const recalls: unknown[] = [];
    records.onRecall((recall) => recalls.push(recall));

    const { settings } = await patientOf.refuseEmergencyAccess({});
    expect(settings?.refused).toBe(true);
    expect(recalls).toMatchObject([{ partition, onlyWidens: false, grantees: ["org_clinic"] }]);
    expect(records.peek(question)).toBeUndefined();
    expect(await records.decide(question)).toMatchObject({ permitted: false });
    const [ended] = (await patientOf.listEmergencyAccesses({})).emergencyAccesses;
    expect(ended).toMatchObject({
      id,
      state: EmergencyAccess_State.ENDED,
      endedBy: { kind: Actor_Kind.PATIENT },
    });
    expect(await problem(as(doctor).openEmergencyAccess(byId()))).toMatchObject({
      reason: "EMERGENCY_REFUSED",
    });
    await patientOf.refuseEmergencyAccess({});

    await patientOf.allowEmergencyAccess({});
    expect(await decided()).toBe("NO_CONSENT");
    expect(await decided()).not.toBe((await open()).id);
  });

  it("needs no more than an e-mail code, and a yes needs a passkey", async () => {
    const { as } = await openScene();
    const byMail = as({ kind: "patient", id: patientId, partition, assurance: "code" });
    expect((await byMail.refuseEmergencyAccess({})).settings?.refused).toBe(true);
    expect(await problem(byMail.allowEmergencyAccess({}))).toMatchObject({ reason: "ASSURANCE_REQUIRED" });
    expect(await problem(byMail.createEmergencyCode({}))).toMatchObject({ reason: "ASSURANCE_REQUIRED" });
  });

  it("leaves consents for emergencies in force: they are a yes to one organization", async () => {
    const { patient, patientOf, decided } = await openScene();
    const provisions = [
      {
        effect: Provision_Effect.PERMIT,
        directions: [Direction.READ],
        categories: [{ name: "heart", version: 0 }],
        purposes: [Purpose.EMERGENCY],
        resolution: Resolution.DAILY,
      },
    ];
    const consent = { grantee: "org_clinic", provisions };
    const { consent: given } = await patient().createConsent({ consent, requestId: "c1" });
    await patientOf.refuseEmergencyAccess({});
    expect(await decided()).toBe(given!.id);
  });

  it("to an organization, in a denial, beats emergency access as it beats a consent", async () => {
    const { patient, open, decided, enforcer } = await openScene();
    const { id } = await open();
    const records = await enforcer();
    await records.decide(question);
    const deny = (purposes: Purpose[]) => ({
      grantee: "org_clinic",
      provisions: [{ ...denial, purposes }],
    });
    await patient().createConsent({ consent: deny([Purpose.RESEARCH]), requestId: "d1" });
    expect(await records.decide(question)).toMatchObject({ permits: [{ consent: id }] });
    await patient().createConsent({ consent: deny([]), requestId: "d2" });
    expect(records.peek(question)).toBeUndefined();
    expect(await records.decide(question)).toEqual({ permitted: false, reason: DenialReason.DENIED });
    expect(await decided({ code: "55423-8" })).toBe(id);
  });

  it("ends with the erasure, which nobody opens anything after", async () => {
    const { as, byCode, byId, open, patientOf, decided, decisions, erased } = await openScene();
    const { emergencyCode } = await patientOf.createEmergencyCode({});
    await open();
    await decisions().revokeAllConsents({ partition });
    expect(await decided()).toBe("NO_CONSENT");
    expect(await problem(as(doctor).openEmergencyAccess(byId()))).toMatchObject({ reason: "PATIENT_ERASED" });
    erased.add(partition);
    expect(await problem(as(doctor).openEmergencyAccess(byCode(emergencyCode)))).toMatchObject({
      reason: "NOT_FOUND",
    });
  });
});

describe("an end", () => {
  it.each([
    ["the clinician", doctor, Actor_Kind.CLINICIAN],
    ["the patient", { kind: "patient", id: patientId, partition } as Principal, Actor_Kind.PATIENT],
    ["a privacy officer", officer, Actor_Kind.OPERATOR],
  ])("by %s cuts every read at once, and is final", async (_, who, kind) => {
    const { as, open, enforcer, decided } = await openScene();
    const { id } = await open();
    const records = await enforcer();
    await records.decide(question);
    const { emergencyAccess: ended } = await as(who).endEmergencyAccess({ emergencyAccess: id });
    expect(ended).toMatchObject({ state: EmergencyAccess_State.ENDED, endedBy: { kind } });
    expect(records.peek(question)).toBeUndefined();
    expect(await decided()).toBe("NO_CONSENT");
    expect((await as(who).endEmergencyAccess({ emergencyAccess: id })).emergencyAccess).toEqual(ended);
  });

  it("is not for others, to whom it does not exist", async () => {
    const { as, open, decided } = await openScene();
    const { id } = await open();
    const other: Principal = { kind: "patient", id: otherPatientId, partition: `local/${otherPatientId}` };
    for (const who of [other, { ...doctor, id: "usr_colleague" }, { ...doctor, organization: "org_maker" }]) {
      expect(await problem(as(who).endEmergencyAccess({ emergencyAccess: id }))).toMatchObject({
        reason: "NOT_FOUND",
      });
      expect((await as(who).listEmergencyAccesses({})).emergencyAccesses).toEqual([]);
    }
    const support: Principal = { ...officer, roles: ["support", "operator", "staff_auditor"] };
    expect(await problem(as(support).listEmergencyAccesses({}))).toMatchObject({ reason: "ROLE_REQUIRED" });
    expect(await decided()).toBe(id);
  });
});

describe("the end of all that are open", () => {
  /** Three are open: of the doctor and of a colleague at the clinic, and of the doctor elsewhere. */
  async function openThree() {
    const scene = await openScene();
    const { as, byId, emergencies, pairwise } = scene;
    emergencies.enabled.add("org_maker");
    const opened = async (who: Principal, patient: string) => {
      const value = pairwise.outward(who.organization!, patient);
      const asked = { ...byId(), who: { case: "patient" as const, value } };
      return (await as(who).openEmergencyAccess(asked)).emergencyAccess!.id;
    };
    const ids = [
      await opened(doctor, patientId),
      await opened({ ...doctor, id: "usr_colleague" }, otherPatientId),
      await opened({ ...doctor, organization: "org_maker" }, patientId),
    ];
    const states = async () => {
      const { emergencyAccesses } = await as(officer).listEmergencyAccesses({});
      return ids.map((id) => EmergencyAccess_State[emergencyAccesses.find((one) => one.id === id)!.state]);
    };
    const end = async (whose: "organization" | "clinician", value: string, who = officer) =>
      (await as(who).endOpenEmergencyAccesses({ whose: { case: whose, value } })).endedCount;
    return { ...scene, ids, states, end };
  }

  it("of an organization cuts the reads of all its clinicians, of every patient, and nobody else's", async () => {
    const { end, states, decided, enforcer, ids, logged } = await openThree();
    const records = await enforcer();
    await records.decide(question);
    expect(await end("organization", "org_clinic")).toBe(2);
    expect(records.peek(question)).toBeUndefined();
    expect(await decided()).toBe("NO_CONSENT");
    expect(await decided({ partition: `local/${otherPatientId}`, person: "usr_colleague" })).toBe(
      "NO_CONSENT",
    );
    expect(await states()).toEqual(["ENDED", "ENDED", "OPEN"]);
    expect(await decided({ organization: "org_maker" })).toBe(ids[2]);
    const ends = (await logged()).filter(({ method }) => method.endsWith("/EndOpenEmergencyAccesses"));
    expect(ends.map((entry) => [entry.emergencyAccess, entry.actor?.id]).sort()).toEqual(
      [ids[0], ids[1]].sort().map((id) => [id, officer.id]),
    );
    expect(new Set(ends.map(({ patient }) => patient)).size).toBe(2);
  });

  it("of a person ends theirs in every organization; again, and for whom none is open, it ends none", async () => {
    const { end, states } = await openThree();
    expect(await end("clinician", "usr_doctor")).toBe(2);
    expect(await states()).toEqual(["ENDED", "OPEN", "ENDED"]);
    expect(await end("clinician", "usr_doctor")).toBe(0);
    expect(await end("organization", "org_other")).toBe(0);
  });

  it("leaves those alone whose hour is over", async () => {
    const { end, states, clock } = await openThree();
    const { now } = clock;
    clock.now = () => now() + 3_600_000;
    expect(await end("organization", "org_clinic")).toBe(0);
    expect(await states()).toEqual(["EXPIRED", "EXPIRED", "EXPIRED"]);
  });

  it("is the privacy officer's alone", async () => {
    const { end, states } = await openThree();
    const refused = async (who: Principal) => (await problem(end("organization", "org_clinic", who)))?.reason;
    expect(await refused(doctor)).toBe("CALLER_NOT_PERMITTED");
    expect(await refused({ kind: "patient", id: patientId, partition })).toBe("CALLER_NOT_PERMITTED");
    expect(await refused({ ...officer, roles: ["operator", "support"] })).toBe("ROLE_REQUIRED");
    expect(await states()).toEqual(["OPEN", "OPEN", "OPEN"]);
  });
});

describe("who is told", () => {
  it("the patient and the clinician read the reason; the privacy officer sees who, when and where", async () => {
    const { as, open, patientOf, known, pairwise } = await openScene();
    const { id } = await open();
    const own = { id, reason, clinician: "usr_doctor" };
    expect((await patientOf.listEmergencyAccesses({})).emergencyAccesses).toMatchObject([own]);
    expect((await as(doctor).listEmergencyAccesses({})).emergencyAccesses).toMatchObject([
      { ...own, patient: known },
    ]);
    expect((await as(officer).listEmergencyAccesses({})).emergencyAccesses).toMatchObject([
      { id, reason: "", clinician: "usr_doctor", patient: pairwise.outward("installation", patientId) },
    ]);
  });

  it("is told later where it could not be at once: the access is open, and no start forgets it", async () => {
    const { open, emergencies, decided, restart } = await openScene();
    emergencies.reachable = false;
    const { id } = await open();
    expect(await decided()).toBe(id);
    expect(emergencies.told).toEqual([]);
    await restart(async () => {
      emergencies.reachable = true;
    });
    await vi.waitFor(() => expect(emergencies.told).toEqual([id]), 10_000);
    await restart();
    const again = await open();
    await vi.waitFor(() => expect(emergencies.told).toEqual([id, again.id]), 10_000);
  });
});

describe("a restore from a backup", () => {
  it("brings back no access that was ended, no code that was withdrawn, and keeps the patient's no", async () => {
    const { as, byCode, byId, open, patientOf, decided, backUp } = await openScene();
    const { id } = await open();
    const { emergencyCode } = await patientOf.createEmergencyCode({});
    const restore = await backUp();
    // Each start is another service, so its clients are, too.
    const patientNow = () => as({ kind: "patient", id: patientId, partition, assurance: "passkey" });
    await as(doctor).endEmergencyAccess({ emergencyAccess: id });
    await patientNow().deleteEmergencyCode({});
    await patientNow().refuseEmergencyAccess({});
    await patientNow().allowEmergencyAccess({});
    await patientNow().refuseEmergencyAccess({});
    await restore();

    const own = patientNow();
    const [restored] = (await own.listEmergencyAccesses({})).emergencyAccesses;
    expect(restored).toMatchObject({ id, state: EmergencyAccess_State.ENDED });
    expect(await decided()).toBe("NO_CONSENT");
    const { settings } = await own.getEmergencySettings({});
    expect([settings?.refused, settings?.codeCreateTime]).toEqual([true, undefined]);
    expect(await problem(as(doctor).openEmergencyAccess(byId()))).toMatchObject({
      reason: "EMERGENCY_REFUSED",
    });
    expect(await problem(as(doctor).openEmergencyAccess(byCode(emergencyCode)))).toMatchObject({
      reason: "NOT_FOUND",
    });
    await own.allowEmergencyAccess({});
    const { emergencyAccess } = await as(doctor).openEmergencyAccess(byId());
    expect(await decided()).toBe(emergencyAccess!.id);
  });
});
