/** Organizations of a sandbox whose clocks were moved: what lives in their time beside consents. test/moved-clock.ts has these. */
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { EmergencyAccess_State } from "@wellapi/gen/wellapi/consent/v1/emergency_pb";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { RightsRequest_State } from "@wellapi/gen/wellapi/consent/v1/rights_request_pb";
import { RightsService } from "@wellapi/gen/wellapi/consent/v1/rights_service_pb";
import { DenialReason } from "@wellapi/gen/wellapi/internal/consent/v1/decision_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Principal } from "@wellapi/rpc";
import { expect, test } from "vitest";
import { openInstallation, partition, patientId } from "./installation.ts";
import { wanted } from "./messages.ts";

const hour = 3_600_000;
const day = 24 * hour;
const person: Principal = { kind: "patient", id: patientId, partition, assurance: "passkey" };

const clinicianOf = (organization: string): Principal => ({
  kind: "member",
  id: `usr_of_${organization}`,
  organization,
  roles: ["clinician"],
  assurance: "fresh",
});

test("an emergency access lives in the time of its clinician's organization, and costs another's nothing", async () => {
  const installation = await openInstallation();
  installation.emergencies.enabled.add("org_maker");
  const at = (principal: Principal) => createClient(EmergencyService, installation.as(principal, "gateway"));
  const open = async (organization: string, requestId: string) => {
    const value = installation.pairwise.outward(organization, patientId);
    const asked = { who: { case: "patient" as const, value }, reason: "found unconscious", requestId };
    return (await at(clinicianOf(organization)).openEmergencyAccess(asked)).emergencyAccess!;
  };
  const decided = async (organization: string, aheadSeconds = 0) => {
    const question = {
      ...{ partition, organization, direction: Direction.READ, code: "8867-4", region: "local" },
      ...{ purpose: Purpose.EMERGENCY, person: `usr_of_${organization}`, aheadSeconds },
    };
    const { decision } = await installation.decisions().decide({ question });
    return decision!.grants[0]?.consent ?? DenialReason[decision!.denialReason];
  };
  const theirs = await open("org_maker", "r1");
  const ten = installation.moveClock("org_clinic", 10 * day).aheadSeconds;
  const ours = await open("org_clinic", "r2");
  const aheadMs = timestampMs(ours.createTime!) - timestampMs(theirs.createTime!);
  expect(Math.round(aheadMs / day)).toBe(10);
  expect([await decided("org_clinic", ten), await decided("org_maker")]).toEqual([ours.id, theirs.id]);

  const later = installation.moveClock("org_clinic", 2 * hour).aheadSeconds;
  expect([await decided("org_clinic", later), await decided("org_maker")]).toEqual(["NO_CONSENT", theirs.id]);
  const states = new Map(
    (await at(person).listEmergencyAccesses({})).emergencyAccesses.map(({ id, state }) => [
      id,
      EmergencyAccess_State[state],
    ]),
  );
  expect([states.get(ours.id), states.get(theirs.id)]).toEqual(["EXPIRED", "OPEN"]);
  // Whoever ends what is open finds that of the other one behind it.
  const officer: Principal = {
    ...{ kind: "operator", id: "usr_officer", roles: ["privacy_officer"], assurance: "passkey" },
  };
  const whose = { case: "organization" as const, value: "org_maker" };
  expect((await at(officer).endOpenEmergencyAccesses({ whose })).endedCount).toBe(1);
});

test("a right that was used is overdue at the time of who answers, on both sides", async () => {
  const installation = await openInstallation();
  const application: Principal = {
    ...{ kind: "application", id: "app_1", organization: "org_clinic", credential: "crd_1" },
  };
  const at = (principal: Principal) => createClient(RightsService, installation.as(principal, "gateway"));
  const [patient, clinic] = [at(person), at(application)];
  const asked = { organization: "org_clinic", right: { case: "portability" as const, value: {} } };
  const { rightsRequest } = await patient.createRightsRequest({ rightsRequest: asked, requestId: "r1" });
  const { id } = rightsRequest!;
  const states = async () =>
    Promise.all(
      [patient, clinic].map(
        async (one) =>
          RightsRequest_State[(await one.getRightsRequest({ rightsRequest: id })).rightsRequest!.state],
      ),
    );
  expect(await states()).toEqual(["OPEN", "OPEN"]);
  installation.moveClock("org_maker", 60 * day);
  expect(await states()).toEqual(["OPEN", "OPEN"]);
  installation.moveClock("org_clinic", 60 * day);
  expect(await states()).toEqual(["OVERDUE", "OVERDUE"]);
});

test("a grant whose consent ends before the organization's time is in force no more", async () => {
  const installation = await openInstallation();
  const consent = { ...wanted, validity: { endTime: timestampFromMs(Date.now() + 10 * day) } };
  const { consent: given } = await installation.patient().createConsent({ consent, requestId: "r1" });
  const identity = installation.as({ kind: "service", id: "identity" }, "identity");
  const asked = { partition, consents: [given!.id], grantee: "org_clinic" };
  const standing = async () => (await installation.decisions(identity).getStanding(asked)).inForce;
  expect(await standing()).toBe(true);
  installation.moveClock("org_clinic", 11 * day);
  expect(await standing()).toBe(false);
  // A new one is judged at the same time: it must not be over before it begins.
  const again = installation.patient().createConsent({ consent, requestId: "r2" });
  await expect(again).rejects.toMatchObject({ code: 3 });
});
