/**
 * The attribute policies against the contracts. The model below is written from the options' own words, apart from the schema's
 * groups and from the interceptor, so that a mistake in one of the three shows.
 */
import { type DescMethod, getOption, hasOption } from "@bufbuild/protobuf";
import { entryRules } from "@wellapi/access-log";
import {
  Assurance,
  CallerKind,
  type Callers,
  method_callers,
  Role,
  service_callers,
} from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { openPolicyEngine, type Subject } from "@wellapi/policy";
import { isPublic } from "@wellapi/rpc";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { methodsOf, publicFiles } from "./descriptors.ts";

const memberRoles = ["owner", "administrator", "developer", "clinician", "auditor"] as const;
const staffRoles = ["operator", "privacy_officer", "staff_auditor", "support"] as const;
const assurances = ["code", "passkey", "fresh"] as const;

const methods = methodsOf(await publicFiles()).filter(({ parent }) => isPublic(parent));
const engine = openPolicyEngine();
const rpcOf = ({ parent, name }: DescMethod) => `${parent.typeName}/${name}`;

function callersOf(method: DescMethod): Callers {
  return hasOption(method, method_callers)
    ? getOption(method, method_callers)
    : getOption(method.parent, service_callers);
}

const kinds: Readonly<Record<Subject["kind"], CallerKind>> = {
  application: CallerKind.APPLICATION,
  member: CallerKind.MEMBER,
  patient: CallerKind.PATIENT,
  person: CallerKind.PERSON,
  operator: CallerKind.OPERATOR,
};

/** What the contract permits by kind, role and assurance, and the three things that no contract may open. */
function expected(method: DescMethod, { kind, roles = [], assurance }: Subject): boolean {
  const callers = callersOf(method);
  const anyone = callers.kinds.includes(CallerKind.ANYONE);
  if (!anyone && !callers.kinds.includes(kinds[kind])) return false;
  const rule = entryRules[method.parent.typeName]![method.name]!;
  const healthData = "by" in rule || ("entry" in rule && rule.entry === "data");
  if (healthData && (kind === "operator" || kind === "person")) return false;
  const onlyPatients = /\/(CreateConsent|RevokeConsent|ErasePatient)$/.test(rpcOf(method));
  if (onlyPatients && kind !== "patient") return false;
  if (anyone) return true;
  if (kind === "member" || kind === "operator") {
    const own = new Set<string>(kind === "member" ? memberRoles : staffRoles);
    const named = callers.roles.map((role) => Role[role].toLowerCase());
    const meant = named.length === 0 && kind === "operator" ? ["operator"] : named;
    if (!roles.some((role) => own.has(role) && meant.includes(role))) return false;
  }
  const strength = assurance === undefined ? undefined : assurances.indexOf(assurance) + Assurance.CODE;
  return strength === undefined || strength >= callers.assurance;
}

function decided(method: DescMethod, subject: Subject): boolean {
  return engine.decideCall(subject, rpcOf(method), { time: Date.UTC(2026, 10, 26, 12) }).permitted;
}

test("every public RPC is an action, and there is no other", () => {
  expect([...engine.actions.keys()].sort()).toEqual(methods.map(rpcOf).sort());
});

describe("every RPC for every kind and role", () => {
  const subjects: Subject[] = [
    { kind: "application", id: "app_1", organization: "org_a" },
    { kind: "patient", id: "pat_1", assurance: "fresh" },
    { kind: "patient", id: "pat_1", actor: "operator" },
    { kind: "person", id: "acc_1", assurance: "fresh" },
    ...[...memberRoles, undefined].map(
      (role): Subject => ({
        kind: "member",
        id: "acc_1",
        organization: "org_a",
        roles: role === undefined ? [] : [role],
        assurance: "fresh",
      }),
    ),
    ...[...staffRoles, undefined].map(
      (role): Subject => ({
        kind: "operator",
        id: "acc_1",
        roles: role === undefined ? [] : [role],
        assurance: "fresh",
      }),
    ),
  ];
  test.each(methods.map((method) => [rpcOf(method), method] as const))("%s", (_rpc, method) => {
    for (const subject of subjects) {
      const named = `${subject.kind} ${subject.roles?.join() ?? ""}`;
      expect([named, decided(method, subject)]).toEqual([named, expected(method, subject)]);
    }
  });
});

test("generated callers: several roles, roles of another kind, each assurance", () => {
  const subject = fc.record({
    kind: fc.constantFrom(...(Object.keys(kinds) as Subject["kind"][])),
    id: fc.constant("id_1"),
    organization: fc.constant("org_a"),
    roles: fc.subarray([...memberRoles, ...staffRoles] as string[]),
    assurance: fc.option(fc.constantFrom(...assurances), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.constantFrom(...methods), subject, (method, { assurance, ...rest }) => {
      // A program has no assurance.
      const caller: Subject = {
        ...rest,
        ...(assurance === undefined || rest.kind === "application" ? {} : { assurance }),
      };
      expect(decided(method, caller)).toBe(expected(method, caller));
    }),
    { numRuns: 500 },
  );
});
