/** An organization's app in the hands of a clinician, who reads as a person (`user/` scopes). */
import { createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { operatorAt, registerPerson } from "@wellapi/demo/people";
import { mailed } from "@wellapi/demo/registration";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { OAuthInteractionService } from "@wellapi/gen/wellapi/identity/v1/oauth_interaction_service_pb";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { decodeJwt } from "jose";
import * as oidc from "openid-client";
import { expect, test } from "vitest";
import { decided } from "../decided.ts";
import { clientKey, confidential, connect, reasonIn, type World } from "./world.ts";

const scope = "openid fhirUser user/Observation.rs";
const read = "wellapi.records.v1.RecordsService/QuerySeries";

export function describeClinicians(given: () => World): void {
  test("a clinician reads by an app of their organization as themselves, named in the log, until they are removed", async () => {
    const world = given();
    const email = "kim@clinic.example";
    const kim = await registerPerson(world.server, "Kim", email);
    const organization = world.company.organization;
    const members = createClient(MemberService, operatorAt(world.server));
    await members.inviteMember({
      organization,
      email,
      roles: [Role.CLINICIAN],
      requestId: crypto.randomUUID(),
    });
    const code = await mailed(kim.browser.as(), email, /#(\S+)/);
    await createClient(MemberService, kim.browser.as("account")).acceptInvitation({ code });

    const key = await clientKey();
    const id = await world.register({
      ...confidential,
      scopes: scope.split(" "),
      jwks: key.jwks,
      connectTerms: undefined,
    });
    const client = await world.configuration(id, oidc.PrivateKeyJwt({ key: key.key, kid: key.kid }));
    const { verifier, browser, interaction } = await connect(client, { scope });
    const agreed = { interaction, grantedScopes: scope.split(" ") };
    // Neither a patient, nor the person without the organization, opens it.
    for (const other of [world.person.transport, kim.browser.as("account")])
      await expect(
        createClient(OAuthInteractionService, other).completeInteraction(agreed),
      ).rejects.toMatchObject({ reason: expect.stringMatching(/NOT_ASKED|NOT_PERMITTED/) });
    const asClinician = createClient(OAuthInteractionService, kim.browser.as(organization));
    const back = await browser.get((await asClinician.completeInteraction(agreed)).redirectUri);
    const given1 = await oidc.authorizationCodeGrant(client, back, {
      pkceCodeVerifier: verifier,
      expectedState: "s1",
      idTokenExpected: true,
    });
    const { sub } = decodeJwt(given1.access_token);
    expect(sub).toMatch(/^usr_/);
    expect(given1.patient).toBeUndefined();
    expect(given1.claims()!.fhirUser).toBe(`${world.issuer}/fhir/R4/Practitioner/${sub!.replace("_", "-")}`);

    await grant(world.person, world.company, Direction.READ);
    const { consents } = await createClient(ConsentService, world.company.transport).listConsents({});
    const patient = consents[0]!.patient;
    const callOnce = async () => {
      const answer = await fetch(`${world.issuer}/${read}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${given1.access_token}` },
        body: JSON.stringify({ patient, code: { code: "8867-4" }, purpose: "PURPOSE_TREATMENT" }),
      });
      return answer.ok ? "answered" : reasonIn(await answer.text());
    };
    const call = () => decided(callOnce);
    expect(await call()).toBe("answered");
    const named = async () => {
      const { accesses } = await createClient(AuditService, world.person.transport).listAccesses({});
      return accesses
        .flatMap(({ access }) => access ?? [])
        .filter(({ method, actor }) => method === `${read}` && actor?.kind !== undefined)
        .map(({ actor }) => actor?.id);
    };
    await expect.poll(named, { timeout: 20_000 }).toContainEqual(expect.stringMatching(/^usr_/));

    const { members: all } = await members.listMembers({ organization });
    const own = all.find((one) => one.roles.includes(Role.CLINICIAN))!;
    await members.removeMember({ organization, account: own.account });
    await expect.poll(call, { timeout: 15_000 }).toBe("CREDENTIAL_INVALID");
  }, 90_000);
}
