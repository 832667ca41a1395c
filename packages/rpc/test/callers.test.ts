import {
  create,
  createFileRegistry,
  type DescService,
  type MessageInitShape,
  setExtension,
  toBinary,
} from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  ServiceOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import {
  Assurance,
  CallerKind,
  CallersSchema,
  Role,
  service_callers,
} from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { silentLogger } from "@wellapi/runtime";
import { describe, expect, test } from "vitest";
import {
  type Caller,
  createMemoryTransport,
  isPublic,
  type Principal,
  problemOf,
  type Route,
  serverInterceptors,
} from "../src/index.ts";
import { createTrustingAuthentication } from "../src/testing.ts";

type Rule = MessageInitShape<typeof CallersSchema>;

/** For patients, by the edges and by the surfaces of the service `fhir`. */
function contract(rule: Rule = {}): DescService {
  const options = create(ServiceOptionsSchema);
  const callers = create(CallersSchema, {
    kinds: [CallerKind.PATIENT, CallerKind.SERVICE],
    workloads: ["door", "gateway"],
    surfaces: ["fhir"],
    ...rule,
  });
  setExtension(options, service_callers, callers);
  const file = create(FileDescriptorProtoSchema, {
    name: "notes.proto",
    package: "wellapi.notes.v1",
    syntax: "proto3",
    messageType: [{ name: "Message" }],
    service: [
      {
        name: "NoteService",
        method: [
          { name: "Get", inputType: ".wellapi.notes.v1.Message", outputType: ".wellapi.notes.v1.Message" },
        ],
        options,
      },
    ],
  });
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).getService(
    "wellapi.notes.v1.NoteService",
  )!;
}

const patient: Principal = { kind: "patient", id: "pat_1", partition: "local/pat_1" };

/** What a call by way of the workload is told; "called" where the handler got it. */
async function told(
  principal: Principal,
  workload: string,
  rule?: Rule,
  denied?: Pick<Caller, "deniedCalls">,
): Promise<string> {
  const answer = await answered(principal, workload, rule, denied);
  return answer === undefined ? "called" : problemOf(answer).reason;
}

/** As `told`: the whole refusal. */
async function answered(
  principal: Principal,
  workload: string,
  rule?: Rule,
  denied?: Pick<Caller, "deniedCalls">,
): Promise<ConnectError | undefined> {
  const service = contract(rule);
  const method = service.methods[0]!;
  const caller: Caller = { principal, workload, token: "t", ...denied };
  const route: Route = { service, implementation: { get: () => create(method.output) } };
  const transport = createMemoryTransport({
    routes: [route],
    workload,
    interceptors: serverInterceptors({
      log: silentLogger,
      authentication: createTrustingAuthentication(caller),
    }),
  });
  try {
    const { message } = await transport.unary(method as never, undefined, undefined, undefined, {});
    expect(toBinary(method.output, message)).toHaveLength(0);
    return undefined;
  } catch (error) {
    return ConnectError.from(error);
  }
}

describe("a service that may carry calls by its surfaces", () => {
  test("carries those of callers from outside", async () => {
    expect(await told(patient, "gateway")).toBe("called");
    expect(await told(patient, "fhir")).toBe("called");
  });

  test("makes none on its own behalf, and no other service may do the same", async () => {
    expect(await told({ kind: "service", id: "fhir" }, "fhir")).toBe("CALLER_NOT_PERMITTED");
    expect(await told(patient, "records")).toBe("CALLER_NOT_PERMITTED");
    expect(await told({ kind: "operator", id: "opr_1" }, "fhir")).toBe("CALLER_NOT_PERMITTED");
  });

  test("does not make the contract less public", () => {
    expect(isPublic(contract())).toBe(true);
  });
});

describe("a member or one of the staff", () => {
  const forStaff: Rule = { kinds: [CallerKind.MEMBER, CallerKind.OPERATOR] };
  const member: Principal = { kind: "member", id: "acc_1", organization: "org_1", roles: ["developer"] };
  const officer: Principal = { kind: "operator", id: "acc_2", roles: ["privacy_officer"] };
  const script: Principal = { kind: "operator", id: "opr_1" };

  test("calls what names one of their roles", async () => {
    const rule = { ...forStaff, roles: [Role.OWNER, Role.DEVELOPER, Role.PRIVACY_OFFICER] };
    expect(await told(member, "gateway", rule)).toBe("called");
    expect(await told(officer, "gateway", rule)).toBe("called");
    expect(await told({ ...member, roles: ["clinician"] }, "gateway", rule)).toBe("ROLE_REQUIRED");
    expect(await told(script, "gateway", rule)).toBe("ROLE_REQUIRED");
  });

  test("is told whom to ask for a role", async () => {
    const rule = { ...forStaff, roles: [Role.OWNER] };
    const asked = async (principal: Principal) => {
      return (await answered(principal, "gateway", rule))?.rawMessage;
    };
    expect(await asked(member)).toContain("ask an owner or administrator of your organization");
    for (const one of [officer, script])
      expect(await asked(one)).toContain("ask an operator of this installation");
  });

  test("needs a role, but for the staff's operators and scripts where none is named", async () => {
    expect(await told(script, "gateway", forStaff)).toBe("called");
    expect(await told({ ...officer, roles: ["operator"] }, "gateway", forStaff)).toBe("called");
    expect(await told(officer, "gateway", forStaff)).toBe("ROLE_REQUIRED");
    expect(await told(member, "gateway", forStaff)).toBe("ROLE_REQUIRED");
    expect(await told({ ...member, roles: [] }, "gateway", { ...forStaff, roles: [Role.UNSPECIFIED] })).toBe(
      "ROLE_REQUIRED",
    );
  });
});

describe("a policy of the caller's organization", () => {
  const denial = { policy: "pol_1", reason: "Not at night." };
  const denying = (rpc: string) => ({ deniedCalls: new Map([[rpc, denial]]) });

  test("keeps the RPC that it names from the caller, and no other", async () => {
    expect(await told(patient, "gateway", undefined, denying("wellapi.notes.v1.NoteService/Get"))).toBe(
      "POLICY_DENIED",
    );
    expect(await told(patient, "gateway", undefined, denying("wellapi.notes.v1.NoteService/List"))).toBe(
      "called",
    );
  });

  test("comes after the contract, whose refusal says more", async () => {
    const denied = denying("wellapi.notes.v1.NoteService/Get");
    expect(await told({ kind: "operator", id: "opr_1" }, "gateway", undefined, denied)).toBe(
      "CALLER_NOT_PERMITTED",
    );
  });
});

describe("an access token", () => {
  const rule: Rule = { scopes: ["Observation.s", "wellapi:ingest"] };
  const withScopes = (...scopes: string[]): Principal => ({ ...patient, scopes });

  test.each([
    "patient/Observation.rs",
    "user/*.cruds",
    "system/Observation.s?category=vital-signs",
    "wellapi:ingest",
  ])("with the scope %s is within a contract that asks for it", async (scope) => {
    expect(await told(withScopes("openid", scope), "gateway", rule)).toBe("called");
  });

  test.each([
    "patient/Observation.r",
    "patient/Consent.s",
    "patient/observation.s",
    "Observation.s",
    "patient/Observation.sr",
    "patient/ObservationX.s",
    "patient/Observation.",
    "openid",
  ])("with the scope %s is not", async (scope) => {
    expect(await told(withScopes(scope), "gateway", rule)).toBe("SCOPE_REQUIRED");
  });

  test("calls nothing whose contract names no scope; other credentials need none", async () => {
    expect(await told(withScopes("patient/*.cruds"), "gateway")).toBe("SCOPE_REQUIRED");
    expect(await told(withScopes(), "gateway", rule)).toBe("SCOPE_REQUIRED");
    expect(await told(patient, "gateway", rule)).toBe("called");
  });
});

describe("a person who signed in", () => {
  const rule: Rule = { assurance: Assurance.PASSKEY };

  test("is asked for what the contract needs, and no more", async () => {
    expect(await told({ ...patient, assurance: "code" }, "gateway", rule)).toBe("ASSURANCE_REQUIRED");
    expect(await told({ ...patient, assurance: "passkey" }, "gateway", rule)).toBe("called");
    expect(await told({ ...patient, assurance: "fresh" }, "gateway", rule)).toBe("called");
    expect(await told({ ...patient, assurance: "passkey" }, "gateway", { assurance: Assurance.FRESH })).toBe(
      "ASSURANCE_REQUIRED",
    );
    expect(await told({ ...patient, assurance: "code" }, "gateway")).toBe("called");
  });

  test("is no program: those have no assurance, and are not asked", async () => {
    expect(await told(patient, "gateway", rule)).toBe("called");
  });
});
