/** The commands for people: carers, guardians, claims, members, invitations, sessions. */
import { writeFileSync } from "node:fs";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { ActingOption_Kind } from "@wellapi/gen/wellapi/identity/v1/account_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import {
  Delegation_Kind,
  Delegation_State,
  DelegationService,
} from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { Grant_Kind, GrantService } from "@wellapi/gen/wellapi/identity/v1/grant_service_pb";
import {
  GuardianshipService,
  Petition_State,
} from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { Invitation_State, MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { Assurance, Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { expect, test } from "vitest";
import { openFolder, openGateway, wellapi } from "./world.ts";

const time = timestampFromMs(Date.UTC(2026, 3, 12, 8));

async function openPeople() {
  const calls: unknown[] = [];
  const delegation = (kind: Delegation_Kind, state: Delegation_State, id = "del_1") => ({
    delegation: { id, kind, state, displayName: "Sam", email: "sam@example.com", createTime: time },
  });
  const env = await openGateway((router) => {
    router.service(DelegationService, {
      inviteCarer({ patient, email, displayName, language, requestId }) {
        calls.push(["carer", patient, email, displayName, language, requestId]);
        return delegation(Delegation_Kind.CARER, Delegation_State.OFFERED);
      },
      inviteGuardian({ patient, email, displayName, grounds, birthDate, expireTime }) {
        calls.push(["guardian", patient, email, displayName, grounds, birthDate, timestampMs(expireTime!)]);
        return delegation(Delegation_Kind.GUARDIAN, Delegation_State.OFFERED);
      },
      inviteRepresentative({ patient, email, displayName, grounds, expireTime, requestId }) {
        calls.push(["representative", patient, email, displayName, grounds, expireTime, requestId]);
        return delegation(Delegation_Kind.REPRESENTATIVE, Delegation_State.OFFERED);
      },
      listDelegations: ({ pageToken }) => ({
        delegations: [
          delegation(Delegation_Kind.CARER, Delegation_State.ACTIVE, `del_c${pageToken}`).delegation,
          delegation(Delegation_Kind.GUARDIAN, Delegation_State.DISPUTED, `del_g${pageToken}`).delegation,
          delegation(Delegation_Kind.REPRESENTATIVE, Delegation_State.UNCONFIRMED, `del_r${pageToken}`)
            .delegation,
        ],
        nextPageToken: pageToken === "" ? "1" : "",
      }),
      endDelegation({ delegation: id }) {
        calls.push(["end", id]);
        const { delegation: ended } = delegation(Delegation_Kind.CARER, Delegation_State.ENDED);
        return { delegation: { ...ended, account: id === "del_2" ? "usr_sam" : "" } };
      },
      setGuardianState({ delegation: id, state, reason }) {
        calls.push(["state", id, state, reason]);
        return delegation(Delegation_Kind.GUARDIAN, state);
      },
      acceptDelegation({ code }) {
        calls.push(["accept", code]);
        return { kind: Delegation_Kind.CARER, patient: "pat_1", delegation: "del_1" };
      },
    });
    const petition = (state: Petition_State) => ({
      petition: { id: "pet_1", state, displayName: "Alex", patientName: "Kim", birthDate: "2012-03-31" },
    });
    router.service(GuardianshipService, {
      createGuardianCode({ patient, requestId }) {
        calls.push(["guardian code", patient, requestId]);
        return { code: "wellapi_gc_abc", expireTime: time };
      },
      createPetition({ code, displayName, patientName, grounds, birthDate, groundsEndTime, requestId }) {
        calls.push(["ask", code, displayName, patientName, grounds, birthDate, groundsEndTime, requestId]);
        return petition(Petition_State.WAITING);
      },
      listPetitions: ({ pageToken }) => ({
        petitions: [{ ...petition(Petition_State.WAITING).petition, id: `pet_${pageToken}` }],
        nextPageToken: pageToken === "" ? "1" : "",
      }),
      withdrawPetition: ({ petition: id }) => {
        calls.push(["withdraw", id]);
        return petition(Petition_State.WITHDRAWN);
      },
      decidePetition({ petition: id, state, reason, birthDate, groundsEndTime }) {
        calls.push(["decide", id, state, reason, birthDate, groundsEndTime && timestampMs(groundsEndTime)]);
        return petition(state);
      },
      listGuardianships: () => ({
        guardianships: [
          { ...delegation(Delegation_Kind.GUARDIAN, Delegation_State.DISPUTED), patientName: "Kim" },
        ],
      }),
      disputeGuardian({ delegation: id, reason }) {
        calls.push(["dispute", id, reason]);
        return delegation(Delegation_Kind.GUARDIAN, Delegation_State.DISPUTED);
      },
      listDisputes: () => ({
        disputes: [{ ...delegation(Delegation_Kind.GUARDIAN, Delegation_State.DISPUTED), patient: "pat_7" }],
      }),
    });
    router.service(PatientService, {
      createClaimCode({ patient, lifetime }) {
        calls.push(["claim code", patient, lifetime?.seconds]);
        return { code: "wellapi_cc_abc", expireTime: time };
      },
      claimPatient({ code }) {
        calls.push(["claim", code]);
        return { patient: "pat_1" };
      },
    });
    router.service(MemberService, {
      inviteMember({ organization, email, roles, language }) {
        calls.push(["invite", organization, email, roles, language]);
        return { invitation: { id: "inv_1", roles, expireTime: time } };
      },
      listInvitations: () => ({
        invitations: [
          { id: "inv_1", email: "kim@clinic.example", roles: [Role.OWNER], state: Invitation_State.PENDING },
        ],
      }),
      revokeInvitation({ organization, invitation }) {
        calls.push(["take back", organization, invitation]);
        return { invitation: { id: invitation, state: Invitation_State.REVOKED } };
      },
      acceptInvitation({ code }) {
        calls.push(["accept", code]);
        return { organization: "", roles: [Role.PRIVACY_OFFICER, Role.SUPPORT] };
      },
      listMembers: () => ({
        members: [{ account: "usr_1", email: "kim@clinic.example", roles: [Role.CLINICIAN, Role.AUDITOR] }],
      }),
      updateMember({ member }) {
        calls.push(["roles", member?.organization, member?.account, member?.roles, member?.etag]);
        return { member: member! };
      },
      removeMember({ organization, account }) {
        calls.push(["remove", organization, account]);
        return {};
      },
    });
    router.service(GrantService, {
      listGrants: () => ({
        grants: [
          { id: "grn_1", kind: Grant_Kind.CONNECT, applicationName: "Heart", consents: ["con_1", "con_2"] },
          { id: "grn_2", kind: Grant_Kind.PATIENT_APP, organizationVerified: true, consents: ["con_3"] },
        ],
      }),
      endGrants({ grants, all }) {
        calls.push(["end", grants, all]);
        return { ended: all ? 2 : grants.length };
      },
    });
    router.service(ConsentService, {
      listConsents: ({ states }) => {
        calls.push(["consents", states]);
        return {
          consents: [
            { id: "con_own", grantee: "org_1", grantor: { id: "pat_1" } },
            { id: "con_sam", grantee: "org_2", grantor: { id: "usr_sam" } },
          ],
        };
      },
      revokeConsent({ consent }) {
        calls.push(["revoke", consent]);
        return {};
      },
    });
    router.service(AccountService, {
      listActingOptions: () => ({
        options: [
          { actingAs: "pat_1", kind: ActingOption_Kind.CARER, displayName: "Mother" },
          { actingAs: "staff", kind: ActingOption_Kind.STAFF, roles: ["support"] },
        ],
      }),
      listSessions: () => ({ sessions: [{ id: "ses_1", createTime: time, assurance: Assurance.PASSKEY }] }),
      endSessions({ sessions, others, current }) {
        calls.push(["end", sessions, others, current]);
        return { ended: others ? 3 : sessions.length };
      },
    });
  });
  return { env, calls };
}

test("a patient invites a carer, lists carers alone over all pages, and ends one's access", async () => {
  const { env, calls } = await openPeople();
  const invite = ["carer", "invite", "sam@example.com", "--name", "Sam", "--request-id", "mine-1"];
  expect((await wellapi(invite, { env })).err).toContain("--patient");
  expect((await wellapi([...invite, "--patient", "pat_1", "--language", "de"], { env })).out).toBe(
    "del_1  carer  Sam  offered",
  );
  const { out } = await wellapi(["carer", "list", "--patient", "pat_1"], { env });
  expect(out).toMatch(/del_c .* Sam .* sam@example.com .* active[\s\S]*del_c1 /);
  expect(out).not.toContain("del_g");
  expect((await wellapi(["carer", "remove", "del_1"], { env })).out).toBe("del_1  carer  Sam  ended");
  expect(calls).toEqual([
    ["carer", "pat_1", "sam@example.com", "Sam", "de", "mine-1"],
    ["end", "del_1"],
  ]);
});

test("an officer enters a representative of a patient who died, and confirms, disputes, blocks and ends", async () => {
  const { env, calls } = await openPeople();
  const parameters = [
    "--patient",
    "pat_1",
    "--name",
    "Rita",
    "--grounds",
    "certificate 7",
    "--request-id",
    "r1",
  ];
  const entered = await wellapi(["representative", "verify", "rita@example.com", ...parameters], { env });
  expect(entered.out).toBe("del_1  representative  Sam  offered");
  const listed = (await wellapi(["representative", "list", "--patient", "pat_1"], { env })).out;
  expect(listed).toMatch(/del_r .* unconfirmed[\s\S]*del_r1 /);
  expect(listed).not.toMatch(/del_[cg]/);
  for (const command of ["confirm", "dispute", "block", "end"]) {
    expect((await wellapi(["representative", command, "del_r", "--reason", "court"], { env })).err).toBe("");
  }
  expect(calls).toEqual([
    ["representative", "pat_1", "rita@example.com", "Rita", "certificate 7", undefined, "r1"],
    ["state", "del_r", Delegation_State.ACTIVE, "court"],
    ["state", "del_r", Delegation_State.DISPUTED, "court"],
    ["state", "del_r", Delegation_State.BLOCKED, "court"],
    ["state", "del_r", Delegation_State.ENDED, "court"],
  ]);
});

test("an officer verifies a guardian, and disputes, blocks, restores and ends the access, with a reason", async () => {
  const { env, calls } = await openPeople();
  const parameters = ["--patient", "pat_1", "--name", "Alex", "--grounds", "birth certificate 77/2012"];
  const dates = ["--birth-date", "2012-03-31", "--until", "2026-04-12T08:00:00Z"];
  const verified = await wellapi(["guardian", "verify", "alex@example.com", ...parameters, ...dates], {
    env,
  });
  expect(verified.out).toBe("del_1  guardian  Sam  offered");
  const listed = (await wellapi(["guardian", "list", "--patient", "pat_1"], { env })).out;
  expect(listed).toMatch(/del_g .* disputed/);
  expect(listed).not.toContain("del_c");
  for (const [command, state, word] of [
    ["dispute", Delegation_State.DISPUTED, "disputed"],
    ["block", Delegation_State.BLOCKED, "blocked"],
    ["restore", Delegation_State.ACTIVE, "active"],
    ["end", Delegation_State.ENDED, "ended"],
  ] as const) {
    const { out } = await wellapi(["guardian", command, "del_1", "--reason", "order 12"], { env });
    expect(out).toBe(`del_1  guardian  Sam  ${word}`);
    expect(calls.at(-1)).toEqual(["state", "del_1", state, "order 12"]);
  }
  expect((await wellapi(["guardian", "block", "del_1"], { env })).err).toContain("--reason");
  expect(calls[0]).toEqual([
    ...["guardian", "pat_1", "alex@example.com", "Alex", "birth certificate 77/2012", "2012-03-31"],
    Date.UTC(2026, 3, 12, 8),
  ]);
});

test("a person asks for guardianship by a code from a file, sees where it stands, and takes it back", async () => {
  const { env, calls } = await openPeople();
  const code = await wellapi(["guardianship", "code", "--patient", "pat_1", "--request-id", "r1"], { env });
  expect(code).toMatchObject({ out: "wellapi_gc_abc" });
  const file = `${openFolder()}/code.txt`;
  writeFileSync(file, `https://wellapi.example/account/guardianships/ask#${code.out}\n`);
  const said = ["--name", "Alex", "--patient-name", "Kim", "--grounds", "birth certificate 77/2012"];
  const child = ["--birth-date", "2012-03-31"];
  const asked = ["guardianship", "ask", ...said, ...child, "--request-id", "r2"];
  expect((await wellapi([...asked, "--code-file", file], { env })).out).toBe("pet_1  Alex  waiting");
  expect(await wellapi(asked, { env })).toMatchObject({ code: 2, out: "" });
  expect((await wellapi(["guardianship", "petitions"], { env })).out).toMatch(/pet_ [\s\S]*pet_1 .* waiting/);
  expect((await wellapi(["guardianship", "withdraw", "pet_1"], { env })).out).toBe("pet_1  Alex  withdrawn");
  expect((await wellapi(["guardianship", "list"], { env })).out).toMatch(/del_1 .* disputed .* Kim/);
  expect(calls).toEqual([
    ["guardian code", "pat_1", "r1"],
    ["ask", "wellapi_gc_abc", "Alex", "Kim", "birth certificate 77/2012", "2012-03-31", undefined, "r2"],
    ["withdraw", "pet_1"],
  ]);
});

test("who verifies confirms or refuses a petition with a reason; a patient disputes, and the officer sees it", async () => {
  const { env, calls } = await openPeople();
  const decide = (...parameters: string[]) => wellapi(["guardianship", ...parameters], { env });
  const until = ["--until", "2026-04-12T08:00:00Z"];
  const confirmed = await decide(
    "confirm",
    "pet_1",
    "--reason",
    "seen",
    "--birth-date",
    "2012-03-31",
    ...until,
  );
  expect(confirmed.out).toBe("pet_1  Alex  confirmed");
  expect((await decide("refuse", "pet_1", "--reason", "ended")).out).toBe("pet_1  Alex  refused");
  expect((await decide("refuse", "pet_1")).err).toContain("--reason");
  expect((await decide("dispute", "del_1", "--reason", "court")).out).toBe("del_1  guardian  Sam  disputed");
  expect((await decide("disputes")).out).toMatch(/del_1 .* pat_7 .* Sam/);
  expect(calls).toEqual([
    ["decide", "pet_1", Petition_State.CONFIRMED, "seen", "2012-03-31", Date.UTC(2026, 3, 12, 8)],
    ["decide", "pet_1", Petition_State.REFUSED, "ended", "", undefined],
    ["dispute", "del_1", "court"],
  ]);
});

test("a claim code is printed alone, and is claimed from a file, never from the command line", async () => {
  const { env, calls } = await openPeople();
  const made = await wellapi(["patient", "claim-code", "pat_1", "--days", "3"], { env });
  expect(made.out).toBe("wellapi_cc_abc");
  const file = `${openFolder()}/code.txt`;
  writeFileSync(file, `${made.out}\n`);
  expect((await wellapi(["patient", "claim", "--code-file", file], { env })).out).toBe("pat_1");
  const byEnv = { ...env, WELLAPI_CLAIM_CODE: "wellapi_cc_def" };
  expect((await wellapi(["patient", "claim"], { env: byEnv })).code).toBe(0);
  expect(await wellapi(["patient", "claim"], { env })).toMatchObject({ code: 2, out: "" });
  expect(calls).toEqual([
    ["claim code", "pat_1", 259_200n],
    ["claim", "wellapi_cc_abc"],
    ["claim", "wellapi_cc_def"],
  ]);
});

test("an owner invites members, sees and takes back invitations, changes roles and removes", async () => {
  const { env, calls } = await openPeople();
  const of = ["--organization", "org_1"];
  const invite = ["member", "invite", "kim@clinic.example", ...of, "--role", "clinician", "auditor"];
  expect((await wellapi(invite, { env })).out).toBe(
    "inv_1  clinician, auditor  until 2026-04-12T08:00:00.000Z",
  );
  expect((await wellapi(["member", "invitations", ...of], { env })).out).toMatch(
    /inv_1 .* kim@clinic.example .* owner .* pending/,
  );
  expect((await wellapi(["member", "take-back", "inv_1", ...of], { env })).out).toBe("inv_1  revoked");
  expect((await wellapi(["member", "list", ...of], { env })).out).toMatch(/usr_1 .* clinician, auditor/);
  const roles = ["member", "roles", "usr_1", ...of, "--role", "owner", "--etag", "e1"];
  expect((await wellapi(roles, { env })).out).toBe("usr_1  owner");
  expect((await wellapi(["member", "remove", "usr_1", ...of], { env })).out).toBe("usr_1 removed");
  expect(
    (await wellapi(["member", "invite", "a@b.example", ...of, "--role", "operator"], { env })).code,
  ).toBe(2);
  expect(calls).toEqual([
    ["invite", "org_1", "kim@clinic.example", [Role.CLINICIAN, Role.AUDITOR], ""],
    ["take back", "org_1", "inv_1"],
    ["roles", "org_1", "usr_1", [Role.OWNER], "e1"],
    ["remove", "org_1", "usr_1"],
  ]);
});

test("an invitation is accepted by its code or its link, of a carer or of the staff", async () => {
  const { env, calls } = await openPeople();
  const accept = (code: string) =>
    wellapi(["invitation", "accept"], { env: { ...env, WELLAPI_INVITATION_CODE: code } });
  expect((await accept("https://x.example/invitation#wellapi_dc_1")).out).toBe("carer of pat_1 (del_1)");
  expect((await accept("wellapi_inv_1")).out).toBe("privacy-officer, support of the staff");
  expect(calls).toEqual([
    ["accept", "wellapi_dc_1"],
    ["accept", "wellapi_inv_1"],
  ]);
});

test("a person sees as whom they may act, and ends sessions by their ids or all", async () => {
  const { env, calls } = await openPeople();
  expect((await wellapi(["account", "acting"], { env })).out).toMatch(
    /pat_1 .* carer .* Mother[\s\S]*staff .* support/,
  );
  expect((await wellapi(["session", "list"], { env })).out).toMatch(/ses_1 .* passkey/);
  expect((await wellapi(["session", "end", "ses_1"], { env })).out).toBe("1 session ended");
  expect((await wellapi(["session", "end", "--all"], { env })).out).toBe("3 sessions ended");
  expect((await wellapi(["session", "end"], { env })).code).toBe(2);
  expect(calls).toEqual([
    ["end", ["ses_1"], false, false],
    ["end", [], true, true],
  ]);
});

test("a patient sees the connected applications, and ends one with its consents, or all without", async () => {
  const { env, calls } = await openPeople();
  expect((await wellapi(["app", "list"], { env })).out).toMatch(
    /grn_1 .* Heart .* \(UNVERIFIED\) .* connected [\s\S]*grn_2 .* own app/,
  );
  const ended = await wellapi(["app", "end", "grn_1", "--revoke"], { env });
  expect(ended.out).toBe("1 application ended");
  expect((await wellapi(["app", "end", "--all"], { env })).out).toBe("2 applications ended");
  expect((await wellapi(["app", "end"], { env })).code).toBe(2);
  expect(calls).toEqual([
    ["revoke", "con_1"],
    ["revoke", "con_2"],
    ["end", ["grn_1"], false],
    ["end", [], true],
  ]);
});

test("what a removed carer gave in the patient's name is listed, stays, and is revoked in one go", async () => {
  const { env, calls } = await openPeople();
  const said = "con_sam to org_2, which they gave in your name,";
  const removed = await wellapi(["carer", "remove", "del_2"], { env });
  expect(removed).toMatchObject({ out: "del_1  carer  Sam  ended", err: `${said} stays in force` });
  const revoked = await wellapi(["carer", "remove", "del_2", "--revoke"], { env });
  expect(revoked.err).toBe(`${said} is revoked`);
  const states = [Consent_State.ACTIVE, Consent_State.SCHEDULED];
  expect(calls).toEqual([
    ...[
      ["end", "del_2"],
      ["consents", states],
    ],
    ...[
      ["end", "del_2"],
      ["consents", states],
      ["revoke", "con_sam"],
    ],
  ]);
});
