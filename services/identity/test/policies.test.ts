import { randomUUID } from "node:crypto";
import { Code } from "@connectrpc/connect";
import {
  type ExplainCallRequest,
  ExplainedStep_Outcome as Outcome,
  ExplainedStep_Rule as Rule,
} from "@wellapi/gen/wellapi/identity/v1/policy_service_pb";
import { Assurance, CallerKind, Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { openPolicyEngine } from "@wellapi/policy";
import { type Caller, callersOf, problemFor } from "@wellapi/rpc";
import { describe, expect, test } from "vitest";
import { callersOfGroups } from "../src/policies/callers-convert.ts";
import { createApplication, createInstallation, type Installation, operator } from "./installation.ts";

const readSeries = "wellapi.records.v1.RecordsService/ReadSeries";
const readUnderNoResearch = (organization: string) =>
  `forbid (principal in Organization::"${organization}", action == Action::"read", resource) when { context.purpose == "research" };`;
const noReads = (organization: string) =>
  `forbid (principal in Organization::"${organization}", action == Action::"${readSeries}", resource);`;

async function opened() {
  const installation = await createInstallation();
  const { organization, application } = await createApplication(installation);
  const { apiKey } = await installation.as(operator).credentials.createApiKey({
    application: application.id,
    requestId: randomUUID(),
  });
  const exchanged = async (callerAddress = "") =>
    installation.exchange("gateway")({ credential: { case: "apiKey", value: apiKey }, callerAddress });
  return { installation, organization: organization.id, application: application.id, exchanged };
}

function member(organization: string, ...roles: NonNullable<Caller["principal"]["roles"]>): Caller {
  return {
    principal: {
      kind: "member",
      id: "usr_1",
      organization,
      roles,
      credential: "ses_1",
      assurance: "passkey",
    },
    workload: "gateway",
    token: "",
  };
}

function create(
  installation: Installation,
  organization: string,
  text: string,
  caller = operator,
  requestId: string = randomUUID(),
) {
  return installation.as(caller).policies.createPolicy({
    policy: { organization, text, reason: "Nobody reads for research." },
    requestId,
  });
}

/** What a refused call is answered with. */
async function problem(call: Promise<unknown>) {
  return call.then(
    () => undefined,
    (error: unknown) => problemFor(error),
  );
}

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString()) as Record<string, unknown>;

describe("an organization's policies", () => {
  test("come with the token of its callers, at once, until they are deleted", async () => {
    const { installation, organization, exchanged } = await opened();
    const first = await exchanged();
    expect(first.deniedCalls).toEqual([]);
    expect(claimsOf(first.token)).not.toHaveProperty("pol");

    const { policy } = await create(installation, organization, noReads(organization));
    const second = await exchanged();
    expect(second.deniedCalls).toEqual([
      expect.objectContaining({ rpc: readSeries, policy: policy!.id, reason: "Nobody reads for research." }),
    ]);
    expect(claimsOf(second.token)).toMatchObject({ pol: 1 });

    await installation.as(operator).policies.deletePolicy({ organization, policy: policy!.id });
    expect((await exchanged()).deniedCalls).toEqual([]);
    // Deleting again answers the same.
    await installation.as(operator).policies.deletePolicy({ organization, policy: policy!.id });
  });

  test("look at where the call comes from", async () => {
    const { installation, organization, exchanged } = await opened();
    await create(
      installation,
      organization,
      `forbid (principal in Organization::"${organization}", action in Action::"health data", resource) unless { context has address && context.address.isInRange(ip("10.0.0.0/8")) };`,
    );
    const denied = async (address: string) => (await exchanged(address)).deniedCalls.length;
    expect(await denied("10.1.1.1")).toBe(0);
    expect(await denied("192.0.2.1")).toBeGreaterThan(5);
    expect(await denied("")).toBeGreaterThan(5);
  });

  test("outlive a restart, are given to services, and leave entries", async () => {
    const { installation, organization, exchanged } = await opened();
    const { policy } = await create(installation, organization, noReads(organization));
    await installation.reopen();
    expect((await exchanged()).deniedCalls).toHaveLength(1);
    const { policies } = await installation.as(operator).policies.listPolicies({ organization });
    expect(policies).toEqual([policy]);
    expect(
      await installation.as(operator).policies.getPolicy({ organization, policy: policy!.id }),
    ).toMatchObject({ policy });
    await installation.as(operator).policies.deletePolicy({ organization, policy: policy!.id });
    expect((await installation.leaves()).map(({ access }) => access.method)).toEqual(
      expect.arrayContaining([
        "wellapi.identity.v1.PolicyService/CreatePolicy",
        "wellapi.identity.v1.PolicyService/DeletePolicy",
      ]),
    );
  });

  test("are made once per request_id, and never more than twenty", async () => {
    const { installation, organization } = await opened();
    const text = noReads(organization);
    const first = await create(installation, organization, text, operator, "one");
    expect(await create(installation, organization, text, operator, "one")).toEqual(first);
    expect(
      await problem(create(installation, organization, readUnderNoResearch(organization), operator, "one")),
    ).toMatchObject({
      reason: "REQUEST_ID_REUSED",
    });
    await Promise.all(Array.from({ length: 19 }, () => create(installation, organization, text)));
    expect(await problem(create(installation, organization, text))).toMatchObject({
      code: Code.FailedPrecondition,
      reason: "TOO_MANY_POLICIES",
    });
  });

  test("are refused where they permit, are about others, or mean nothing", async () => {
    const { installation, organization } = await opened();
    const { organization: other } = await installation.as(operator).organizations.createOrganization({
      organization: { displayName: "Others" },
      requestId: "others",
    });
    const refused = async (text: string) => problem(create(installation, organization, text));
    expect(
      await refused(`permit (principal in Organization::"${organization}", action, resource);`),
    ).toMatchObject({
      code: Code.InvalidArgument,
      message: expect.stringContaining("may only forbid"),
    });
    expect(await refused(noReads(other!.id))).toMatchObject({
      message: expect.stringContaining("about others"),
    });
    expect(
      await refused(
        `forbid (principal in Organization::"${organization}", action == Action::"raed", resource);`,
      ),
    ).toMatchObject({ message: expect.stringContaining('did you mean `Action::"read"`?') });
    const { mistakes } = await installation
      .as(operator)
      .policies.validatePolicy({ organization, text: "forbid (principal, action, resource);" });
    expect(mistakes).toMatchObject([{ message: "it is about everybody" }]);
  });

  test("name one's own application, and no other's", async () => {
    const { installation, organization, application } = await opened();
    const about = (id: string) => `forbid (principal == Application::"${id}", action, resource);`;
    await create(installation, organization, about(application));
    expect(await problem(create(installation, organization, about("app_unknown")))).toMatchObject({
      message: expect.stringContaining("about others"),
    });
  });

  test("of another organization are neither seen nor changed by a member", async () => {
    const { installation, organization } = await opened();
    const { organization: other } = await installation.as(operator).organizations.createOrganization({
      organization: { displayName: "Others" },
      requestId: "others",
    });
    const { policy } = await create(installation, other!.id, noReads(other!.id));
    const owner = installation.as(member(organization, "owner")).policies;
    const attempts = [
      () => owner.listPolicies({ organization: other!.id }),
      () => owner.getPolicy({ organization: other!.id, policy: policy!.id }),
      () => owner.deletePolicy({ organization: other!.id, policy: policy!.id }),
      () =>
        owner.createPolicy({
          policy: { organization: other!.id, text: noReads(other!.id), reason: "Mine." },
          requestId: "x",
        }),
      () => owner.validatePolicy({ organization: other!.id, text: noReads(other!.id) }),
      () => owner.explainCall({ organization: other!.id, rpc: "ReadSeries", kind: CallerKind.APPLICATION }),
    ];
    for (const attempt of attempts) {
      expect(await problem(attempt())).toMatchObject({
        code: Code.PermissionDenied,
        reason: "CALLER_NOT_PERMITTED",
      });
    }
    expect(await problem(owner.getPolicy({ policy: policy!.id }))).toMatchObject({ reason: "NOT_FOUND" });
    await owner.deletePolicy({ policy: policy!.id });
    expect(
      (await installation.as(operator).policies.listPolicies({ organization: other!.id })).policies,
    ).toHaveLength(1);
    // Their own, without naming it.
    const mine = await owner.createPolicy({
      policy: { text: noReads(organization), reason: "Mine." },
      requestId: "y",
    });
    expect(mine.policy).toMatchObject({ organization });
  });
});

describe("why a call is permitted or refused", () => {
  type Asked = Partial<Omit<ExplainCallRequest, "$typeName" | "$unknown">> & {
    rpc: string;
    kind: CallerKind;
  };
  async function explained(installation: Installation, asked: Asked, caller = operator) {
    const { permitted, steps, rpc } = await installation.as(caller).policies.explainCall(asked);
    const refusing = steps.find(({ outcome }) => outcome === Outcome.REFUSES);
    return { permitted, steps, rpc, refusing };
  }

  test("by each rule that can refuse", async () => {
    const { installation, organization } = await opened();
    const { policy } = await create(installation, organization, readUnderNoResearch(organization));
    const application = {
      kind: CallerKind.APPLICATION,
      organization,
      code: "8867-4",
      purpose: Purpose.TREATMENT,
    };
    const clinician = {
      ...application,
      kind: CallerKind.MEMBER,
      roles: [Role.CLINICIAN],
      assurance: Assurance.PASSKEY,
    };
    const cases: [string, Asked, Rule, string][] = [
      ["kind", { kind: CallerKind.PATIENT, rpc: "CreateOrganization" }, Rule.CALLER, "CALLER_NOT_PERMITTED"],
      ["role", { ...clinician, rpc: "CreatePolicy" }, Rule.ROLE, "ROLE_REQUIRED"],
      [
        "assurance",
        {
          kind: CallerKind.MEMBER,
          organization,
          rpc: "CreatePolicy",
          roles: [Role.OWNER],
          assurance: Assurance.CODE,
        },
        Rule.ASSURANCE,
        "ASSURANCE_REQUIRED",
      ],
      [
        "scope",
        { ...application, rpc: "GetOrganization", scopes: ["system/Observation.s"] },
        Rule.SCOPE,
        "SCOPE_REQUIRED",
      ],
      [
        "restriction",
        { ...application, rpc: "ReadSeries", purpose: Purpose.RESEARCH },
        Rule.DATA_POLICY,
        "POLICY_DENIED",
      ],
      ["default", { ...application, rpc: "ReadSeries", emergency: true }, Rule.DATA_POLICY, "POLICY_DENIED"],
      [
        "a second factor of before",
        { ...clinician, rpc: "ReadSeries", purpose: Purpose.EMERGENCY, emergency: true },
        Rule.DATA_POLICY,
        "ASSURANCE_REQUIRED",
      ],
    ];
    for (const [what, asked, rule, reason] of cases) {
      const { permitted, refusing } = await explained(installation, asked);
      expect({ what, permitted, rule: refusing?.rule, reason: refusing?.reason }).toEqual({
        what,
        permitted: false,
        rule,
        reason,
      });
    }
    const stale = await explained(installation, {
      ...clinician,
      rpc: "ReadSeries",
      purpose: Purpose.EMERGENCY,
      emergency: true,
    });
    expect(stale.refusing).toMatchObject({
      policies: ["emergency-by-clinicians"],
      explanation: expect.stringContaining("Confirming with a passkey or a second factor lifts it"),
    });
    const byPolicy = await explained(installation, {
      ...application,
      rpc: "ReadSeries",
      purpose: Purpose.RESEARCH,
    });
    expect(byPolicy.refusing).toMatchObject({
      policies: [policy!.id],
      explanation: "Nobody reads for research.",
    });
  });

  test("what permits names its policies, and the consent that is needed besides", async () => {
    const { installation, organization } = await opened();
    const { permitted, steps, rpc } = await explained(installation, {
      rpc: "readseries",
      kind: CallerKind.APPLICATION,
      organization,
      code: "8867-4",
      purpose: Purpose.TREATMENT,
    });
    expect({ permitted, rpc }).toEqual({ permitted: true, rpc: readSeries });
    expect(steps.map(({ rule }) => rule)).toEqual([
      Rule.CALLER,
      Rule.ROLE,
      Rule.SCOPE,
      Rule.ASSURANCE,
      Rule.POLICY,
      Rule.LIMITS,
      Rule.DATA_POLICY,
      Rule.CONSENT,
    ]);
    expect(steps.at(4)).toMatchObject({ outcome: Outcome.PERMITS, policies: ["applications"] });
    expect(steps.at(-1)).toMatchObject({
      outcome: Outcome.DEPENDS,
      explanation: expect.stringMatching(/read 8867-4 \(heart\), for treatment/),
    });
  });

  test("says which RPC was perhaps meant", async () => {
    const { installation } = await opened();
    expect(
      await problem(
        installation.as(operator).policies.explainCall({ rpc: "ReedSeries", kind: CallerKind.PATIENT }),
      ),
    ).toMatchObject({ code: Code.InvalidArgument, message: expect.stringContaining(readSeries) });
  });

  test("members ask about their own people only", async () => {
    const { installation, organization } = await opened();
    const owner = member(organization, "owner");
    expect(
      await problem(
        installation.as(owner).policies.explainCall({ rpc: "ReadSeries", kind: CallerKind.PATIENT }),
      ),
    ).toMatchObject({ code: Code.InvalidArgument });
    expect(
      (await explained(installation, { rpc: "ReadSeries", kind: CallerKind.APPLICATION }, owner)).permitted,
    ).toBe(true);
  });

  test("by the contract's own words: the schema's groups say what each public contract says", async () => {
    const { PolicyService } = await import("@wellapi/gen/wellapi/identity/v1/policy_service_pb");
    const { RecordsService } = await import("@wellapi/gen/wellapi/records/v1/records_service_pb");
    const { CredentialService } = await import("@wellapi/gen/wellapi/identity/v1/credential_service_pb");
    const { actions } = openPolicyEngine();
    for (const method of [PolicyService, RecordsService, CredentialService].flatMap(
      ({ methods }) => methods,
    )) {
      const said = callersOf(method)!;
      const read = callersOfGroups(actions.get(`${method.parent.typeName}/${method.name}`)!);
      const kinds = said.kinds.filter((kind) => kind !== CallerKind.SERVICE);
      const operators =
        said.roles.length === 0 && kinds.includes(CallerKind.OPERATOR) ? [Role.OPERATOR] : said.roles;
      expect({ ...read, $typeName: "", workloads: [] }).toMatchObject({
        kinds,
        roles: operators,
        assurance: said.assurance === Assurance.CODE ? Assurance.UNSPECIFIED : said.assurance,
        scopes: said.scopes,
      });
    }
  });
});
