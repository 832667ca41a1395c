import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentRequest_State as State } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { Actor_Kind, Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, it } from "vitest";
import { otherPatientId, partition, patientId } from "./installation.ts";
import { denial, problem, reading } from "./messages.ts";
import { day, openScene } from "./requests-scene.ts";

describe("asking", () => {
  it("permits nothing, and shows the patient who asks for what, why, and what there is already", async () => {
    const { ask, asked, person, patient, readable, pairwise, known, application } = await openScene();
    const { consent } = await patient().createConsent({
      consent: { grantee: "org_clinic", provisions: [{ ...reading, resolution: Resolution.DAILY }] },
      requestId: "c1",
    });
    const other = { grantee: "org_maker", provisions: [reading] };
    await patient().createConsent({ consent: other, requestId: "c2" });
    const before = await readable();
    const request = await ask({ language: "en" });
    expect(request).toMatchObject({
      patient: known,
      organization: "org_clinic",
      why: asked().why,
      language: "en",
      state: State.OPEN,
      requester: { kind: Actor_Kind.APPLICATION, id: "app_org_clinic" },
      consent: "",
    });
    const waits = timestampMs(request.expireTime!) - timestampMs(request.createTime!);
    expect(Math.round(waits / day)).toBe(30);
    expect(await readable()).toEqual(before);
    const seen = await person().getConsentRequest({ consentRequest: request.id });
    expect(seen.consentRequest).toEqual({ ...request, patient: pairwise.outward("installation", patientId) });
    expect(seen.consentRequest!.provisions).toMatchObject([{ categories: [{ name: "heart", version: 1 }] }]);
    expect(seen.consents.map(({ id }) => id)).toEqual([consent!.id]);
    expect((await person().listConsentRequests({})).consentRequests).toEqual([seen.consentRequest]);
    const own = await application().getConsentRequest({ consentRequest: request.id });
    expect(own).toMatchObject({ consentRequest: request, consents: [] });
  });

  it("asks once, however often it is sent with one request_id", async () => {
    const { ask, application, person, asked } = await openScene();
    const validity = asked().validity;
    const [first, second] = await Promise.all([ask({ validity }, "same"), ask({ validity }, "same")]);
    expect(second).toEqual(first);
    expect(await ask({ validity }, "same")).toEqual(first);
    expect((await person().listConsentRequests({})).consentRequests).toHaveLength(1);
    const changed = application().createConsentRequest({
      consentRequest: asked({ validity, why: "something else" }),
      requestId: "same",
    });
    expect(await problem(changed)).toMatchObject({ code: Code.AlreadyExists, reason: "REQUEST_ID_REUSED" });
  });

  it("refuses what is wrong, by its field", async () => {
    const { application, asked, clock } = await openScene();
    const now = clock.now();
    const inDays = (days: number) => timestampFromMs(now + days * day);
    const cases: ReadonlyArray<readonly [string, object, string]> = [
      ["validity.end_time", { validity: {} }, "for ever"],
      ["validity.end_time", { validity: { endTime: inDays(1_100) } }, "1,096 days"],
      ["validity.end_time", { validity: { startTime: inDays(-900), endTime: inDays(1_100) } }, "1,096 days"],
      ["validity.end_time", { validity: { endTime: { seconds: 1n, nanos: 0 } } }, "has passed"],
      ["provisions[0].effect", { provisions: [denial] }, "EFFECT_PERMIT"],
      ["provisions[0].purposes", { provisions: [{ ...reading, purposes: [] }] }, "needed for reading"],
      ["why", { why: " " }, "blank"],
      ["why", { why: "harmless \u202egnihton" }, "direction"],
      ["why", { why: "a bell \u0007" }, "control"],
      ["expire_time", { expireTime: inDays(31) }, "30 days"],
      ["expire_time", { expireTime: inDays(10), validity: { endTime: inDays(9) } }, "not after"],
      ["expire_time", { expireTime: inDays(-1) }, "has passed"],
    ];
    for (const [field, change, says] of cases) {
      const call = application().createConsentRequest({ consentRequest: asked(change), requestId: "r1" });
      const told = await problem(call);
      expect(told, says).toMatchObject({ code: Code.InvalidArgument, reason: "INVALID_FIELD" });
      const violation = told!.violations!.find((one) => one.field === `consent_request.${field}`);
      expect(violation?.description, field).toContain(says);
    }
    const lines = asked({
      why: "first\nsecond",
      validity: { startTime: inDays(100), endTime: inDays(1_196) },
    });
    await application().createConsentRequest({ consentRequest: lines, requestId: "r1" });
  });

  it("gives one answer for an id of others, for a patient who died, and for one who is erased", async () => {
    const { ask, accept, asking, erased, logged, pairwise, freeze } = await openScene();
    const guessed = [
      pairwise.outward("org_maker", patientId),
      pairwise.outward("org_clinic", "pat_00000000000000000000000009"),
      "nonsense",
    ];
    const { id } = await ask();
    const told = await Promise.all(guessed.map((patient) => problem(ask({ patient }))));
    expect(told[0]).toMatchObject({ code: Code.NotFound, reason: "NOT_FOUND" });
    for (const one of told) expect(one).toEqual(told[0]);
    const wrong = await problem(ask({ why: " " }));
    expect(wrong).toMatchObject({ code: Code.InvalidArgument });
    // The patient dies while identity is asked.
    let thaw: () => Promise<unknown> = async () => undefined;
    asking.patient = async () => {
      asking.patient = async () => {};
      thaw = await freeze();
    };
    expect(await problem(ask())).toEqual(told[0]);
    expect(await problem(ask())).toEqual(told[0]);
    expect(await problem(ask({ why: " " }))).toEqual(wrong);
    const denied = (await logged()).filter(({ reason }) => reason === "NOT_FOUND");
    expect(denied).toHaveLength(5);
    expect(denied.every(({ patient }) => patient === "")).toBe(true);
    expect(await problem(accept(id))).toMatchObject({ reason: "RECORD_FROZEN" });
    await thaw();
    await ask();
    erased.add(partition);
    expect(await problem(ask())).toEqual(told[0]);
  });

  it("is for applications of their own and for clinicians, and an organization sees its own requests alone", async () => {
    const { ask, at, person, application, asked } = await openScene();
    const { id } = await ask();
    const limited = at({
      kind: "application",
      id: "app_org_clinic",
      organization: "org_clinic",
      scopes: ["patient/Consent.crus"],
      onlyPatient: partition,
    });
    const refused = limited.createConsentRequest({ consentRequest: asked(), requestId: "x1" });
    expect(await problem(refused)).toMatchObject({ code: Code.PermissionDenied });
    expect((await limited.listConsentRequests({})).consentRequests.map((one) => one.id)).toEqual([id]);
    const elsewhere = at({
      kind: "application",
      id: "app_org_maker",
      organization: "org_maker",
      scopes: ["patient/Consent.crus"],
      onlyPatient: partition,
    });
    expect((await elsewhere.listConsentRequests({})).consentRequests).toEqual([]);
    expect(await problem(elsewhere.getConsentRequest({ consentRequest: id }))).toMatchObject({
      code: Code.NotFound,
    });
    const doctor = at({
      kind: "member",
      id: "usr_doctor",
      organization: "org_clinic",
      roles: ["clinician"],
      assurance: "passkey",
    });
    const byDoctor = await doctor.createConsentRequest({ consentRequest: asked(), requestId: "x2" });
    expect(byDoctor.consentRequest!.requester).toMatchObject({
      kind: Actor_Kind.CLINICIAN,
      id: "usr_doctor",
    });
    const developer = at({ kind: "member", id: "usr_dev", organization: "org_clinic", roles: ["developer"] });
    expect(
      await problem(developer.createConsentRequest({ consentRequest: asked(), requestId: "x3" })),
    ).toMatchObject({
      code: Code.PermissionDenied,
    });
    expect(
      await problem(person().createConsentRequest({ consentRequest: asked(), requestId: "x4" })),
    ).toMatchObject({
      code: Code.PermissionDenied,
    });
    const stranger = application("org_maker");
    const none = await problem(stranger.getConsentRequest({ consentRequest: "crq_none" }));
    expect(none).toMatchObject({ code: Code.NotFound });
    expect(await problem(stranger.getConsentRequest({ consentRequest: id }))).toEqual(none);
    expect(await problem(stranger.withdrawConsentRequest({ consentRequest: id }))).toEqual(none);
    expect((await stranger.listConsentRequests({})).consentRequests).toEqual([]);
    const other = at({
      kind: "patient",
      id: otherPatientId,
      partition: `local/${otherPatientId}`,
      assurance: "passkey",
    });
    expect(await problem(other.acceptConsentRequest({ consentRequest: id }))).toEqual(none);
    expect(await problem(other.refuseConsentRequest({ consentRequest: id }))).toEqual(none);
  });
});

describe("deciding", () => {
  it("grants by accepting: one consent like any other, which the organization learns of", async () => {
    const { ask, accept, application, patient, readable, organization } = await openScene();
    const request = await ask({ notice: { uri: "https://clinic.example/notice", language: "en" } });
    const { consent, consentRequest } = await accept(request.id);
    expect(consent).toMatchObject({
      grantee: "org_clinic",
      version: 1,
      state: Consent_State.ACTIVE,
      notice: { uri: "https://clinic.example/notice" },
      validity: request.validity,
      grantor: { kind: Actor_Kind.PATIENT },
    });
    expect(consentRequest).toMatchObject({ state: State.ACCEPTED, consent: consent!.id, consentVersion: 1 });
    expect(await readable()).toEqual([`${consent!.id} 1`]);
    const told = (await application().getConsentRequest({ consentRequest: request.id })).consentRequest!;
    expect(told).toMatchObject({ state: State.ACCEPTED, consent: consent!.id });
    expect((await organization().getConsent({ consent: consent!.id })).consent?.id).toBe(consent!.id);
    await patient().revokeConsent({ consent: consent!.id });
    expect(await readable()).toEqual([]);
  });

  it("narrows, and refuses by its path what goes beyond", async () => {
    const { ask, accept, asked, clock } = await openScene();
    const wide = {
      ...reading,
      directions: [Direction.READ, Direction.CONTRIBUTE],
      categories: [{ name: "heart" }, { name: "sleep" }],
      purposes: [Purpose.TREATMENT, Purpose.RESEARCH],
    };
    const { id } = await ask({ provisions: [wide] });
    const end = timestampMs(asked().validity.endTime);
    const cases: ReadonlyArray<readonly [string, object]> = [
      ["provisions[0]", { provisions: [{ ...reading, resolution: Resolution.RAW }] }],
      ["provisions[0]", { provisions: [{ ...reading, categories: [{ name: "body" }] }] }],
      ["provisions[0]", { provisions: [{ ...reading, purposes: [Purpose.PAYMENT] }] }],
      ["provisions[0]", { provisions: [{ ...reading, regions: ["elsewhere"] }] }],
      ["provisions[1]", { provisions: [reading, { ...reading, resolution: Resolution.RAW }] }],
      ["validity", { validity: { endTime: timestampFromMs(end + 10 * day) } }],
    ];
    for (const [field, choice] of cases) {
      expect(await problem(accept(id, choice)), field).toMatchObject({
        code: Code.InvalidArgument,
        violations: [{ field, reason: "BEYOND_REQUEST" }],
      });
    }
    expect(await problem(accept(id, { provisions: [denial] }))).toMatchObject({
      violations: [{ field: "provisions[0].effect" }],
    });
    const narrower = {
      provisions: [
        {
          ...reading,
          resolution: Resolution.DAILY,
          window: { case: "capturedInLast" as const, value: { seconds: 86_400n, nanos: 0 } },
        },
      ],
      validity: { endTime: timestampFromMs(clock.now() + 30 * day) },
    };
    const { consent } = await accept(id, narrower);
    const provisions = [{ ...narrower.provisions[0], categories: [{ name: "heart", version: 1 }] }];
    expect(consent).toMatchObject({ ...narrower, provisions });
  });

  it("refuses, which changes nothing, and the same is not asked again for two weeks", async () => {
    const { ask, refuse, readable, pass, application, person } = await openScene();
    const { id } = await ask();
    expect(await refuse(id)).toMatchObject({ state: State.REFUSED, consent: "" });
    expect((await refuse(id)).state).toBe(State.REFUSED);
    expect((await application().getConsentRequest({ consentRequest: id })).consentRequest!.state).toBe(
      State.REFUSED,
    );
    expect(await readable()).toEqual([]);
    const again = { code: Code.FailedPrecondition, reason: "CONSENT_REQUEST_REFUSED" };
    expect(await problem(ask())).toMatchObject(again);
    expect(await problem(ask({ why: "in other words" }))).toMatchObject(again);
    expect(await problem(ask({ provisions: [{ ...reading, resolution: Resolution.RAW }] }))).toMatchObject(
      again,
    );
    await ask({ provisions: [{ ...reading, resolution: Resolution.DAILY }] });
    pass(14 * day);
    await ask();
    expect((await person().listConsentRequests({ states: [State.OPEN] })).consentRequests).toHaveLength(2);
  });

  it("takes the first of two decisions, and tells the second that it was decided otherwise", async () => {
    const { ask, accept, refuse, application, readable } = await openScene();
    const first = await ask();
    const outcomes = await Promise.allSettled([accept(first.id), refuse(first.id)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const lost = outcomes.find((one) => one.status === "rejected");
    expect(await problem(Promise.reject(lost!.reason))).toMatchObject({
      code: Code.FailedPrecondition,
      reason: "CONSENT_REQUEST_DECIDED",
    });
    const { state } = (await application().getConsentRequest({ consentRequest: first.id })).consentRequest!;
    expect(await readable()).toHaveLength(state === State.ACCEPTED ? 1 : 0);

    const second = await ask({ provisions: [{ ...reading, resolution: Resolution.DAILY }] });
    const choice = { provisions: [{ ...reading, resolution: Resolution.DAILY }] };
    const [one, two] = await Promise.all([accept(second.id, choice), accept(second.id, choice)]);
    expect(two.consent).toEqual(one.consent);
    expect((await accept(second.id)).consent).toEqual(one.consent);
    const window = { case: "capturedInLast" as const, value: { seconds: 60n, nanos: 0 } };
    const other = accept(second.id, { provisions: [{ ...choice.provisions[0], window }] });
    expect(await problem(other)).toMatchObject({ reason: "CONSENT_REQUEST_DECIDED" });
    expect(await problem(refuse(second.id))).toMatchObject({ reason: "CONSENT_REQUEST_DECIDED" });
    const withdrawn = application().withdrawConsentRequest({ consentRequest: second.id });
    expect(await problem(withdrawn)).toMatchObject({ reason: "CONSENT_REQUEST_DECIDED" });
  });

  it("lapses: nobody accepts, refuses or withdraws it any more", async () => {
    const { ask, accept, refuse, application, person, pass, readable } = await openScene();
    const { id } = await ask();
    pass(30 * day);
    const lapsed = { code: Code.FailedPrecondition, reason: "CONSENT_REQUEST_LAPSED" };
    expect(await problem(accept(id))).toMatchObject(lapsed);
    expect(await problem(refuse(id))).toMatchObject(lapsed);
    expect(await problem(application().withdrawConsentRequest({ consentRequest: id }))).toMatchObject(lapsed);
    expect((await person().getConsentRequest({ consentRequest: id })).consentRequest!.state).toBe(
      State.LAPSED,
    );
    expect(await readable()).toEqual([]);
  });

  it("is withdrawn by the organization, and then not accepted", async () => {
    const { ask, accept, application, person } = await openScene();
    const { id } = await ask();
    const { consentRequest } = await application().withdrawConsentRequest({ consentRequest: id });
    expect(consentRequest!.state).toBe(State.WITHDRAWN);
    await application().withdrawConsentRequest({ consentRequest: id });
    expect(await problem(accept(id))).toMatchObject({ reason: "CONSENT_REQUEST_DECIDED" });
    expect((await person().listConsentRequests({ states: [State.OPEN] })).consentRequests).toEqual([]);
  });

  it("about care to which a minor may consent alone is not shown to a guardian, nor decided by one", async () => {
    const { ask, at, accept } = await openScene();
    const own = await ask({ provisions: [{ ...reading, categories: [{ name: "sleep" }] }] });
    const shared = await ask();
    const guardian = at({
      kind: "patient",
      id: patientId,
      partition,
      actor: { kind: "guardian", id: "usr_guardian" },
      assurance: "passkey",
      hides: ["sleep"],
    });
    expect((await guardian.listConsentRequests({})).consentRequests.map(({ id }) => id)).toEqual([shared.id]);
    const none = await problem(guardian.getConsentRequest({ consentRequest: "crq_none" }));
    for (const rpc of ["getConsentRequest", "acceptConsentRequest", "refuseConsentRequest"] as const) {
      expect(await problem(guardian[rpc]({ consentRequest: own.id })), rpc).toEqual(none);
    }
    const { consent } = await guardian.acceptConsentRequest({ consentRequest: shared.id });
    expect(consent!.grantor).toMatchObject({ kind: Actor_Kind.GUARDIAN, id: "usr_guardian" });
    await accept(own.id);
  });

  it("begins in the future where that was asked for", async () => {
    const { ask, accept, clock, readable, pass } = await openScene();
    const startTime = timestampFromMs(clock.now() + 2 * day);
    const { id } = await ask({ validity: { startTime, endTime: timestampFromMs(clock.now() + 20 * day) } });
    const { consent } = await accept(id);
    expect(consent!.state).toBe(Consent_State.SCHEDULED);
    expect(await readable()).toEqual([]);
    pass(2 * day);
    expect(await readable()).toEqual([`${consent!.id} 1`]);
    pass(18 * day);
    expect(await readable()).toEqual([]);
  });

  it("gives the same answer again, however late and whatever became of the organization, and asks identity nothing more", async () => {
    const { ask, accept, refuse, asking, closed, pass } = await openScene();
    const { id } = await ask();
    const refused = await ask({ why: "other" });
    await refuse(refused.id);
    const first = await accept(id);
    closed.add("org_clinic");
    const questions: string[] = [];
    asking.patient = async () => void questions.push("patient");
    asking.organization = () => void questions.push("organization");
    expect(await accept(id)).toEqual(first);
    expect(await problem(accept(refused.id))).toMatchObject({ reason: "CONSENT_REQUEST_DECIDED" });
    pass(400 * day);
    expect((await accept(id)).consent).toEqual({ ...first.consent, state: Consent_State.EXPIRED });
    expect(questions).toEqual([]);
  });

  it("does nothing for a patient who is erased or died, and for an organization that is no more", async () => {
    const { ask, accept, closed, erased, decisions } = await openScene();
    const { id } = await ask();
    closed.add("org_clinic");
    expect(await problem(accept(id))).toMatchObject({ reason: "ORGANIZATION_CLOSED" });
    closed.clear();
    await decisions().revokeAllConsents({ partition });
    expect(await problem(accept(id))).toMatchObject({ reason: "PATIENT_ERASED" });
    erased.add(partition);
    expect(await problem(accept(id))).toMatchObject({ reason: "PATIENT_ERASED" });
    expect(await problem(ask())).toMatchObject({ code: Code.NotFound });
    await decisions().deleteConsents({ partition });
    expect(await problem(accept(id))).toMatchObject({ code: Code.NotFound });
  });
});
