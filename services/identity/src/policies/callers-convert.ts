import { create } from "@bufbuild/protobuf";
import {
  Assurance,
  CallerKind,
  type Callers,
  CallersSchema,
  Role,
} from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { Principal } from "@wellapi/rpc";

/** What the contract of an RPC says of its callers from outside, by the groups of its action in the schema of policies. */
export function callersOfGroups(groups: readonly string[]): Callers {
  const named = (prefix: string) =>
    groups.filter((group) => group.startsWith(prefix)).map((group) => group.slice(prefix.length));
  const [assurance] = named("needs ");
  return create(CallersSchema, {
    kinds: named("by ").map((kind) => namedValue(CallerKind, kind)),
    workloads: ["door", "gateway"],
    roles: named("for ").map((role) => namedValue(Role, role)),
    assurance: assurance === undefined ? Assurance.UNSPECIFIED : namedValue(Assurance, assurance),
    scopes: named("scope "),
  });
}

function namedValue<T extends number>(values: Readonly<Record<string, string | T>>, name: string): T {
  return values[name.toUpperCase()] as T;
}

const kinds: Readonly<Partial<Record<CallerKind, Principal["kind"]>>> = {
  [CallerKind.APPLICATION]: "application",
  [CallerKind.PATIENT]: "patient",
  [CallerKind.OPERATOR]: "operator",
  [CallerKind.PERSON]: "person",
  [CallerKind.MEMBER]: "member",
};

/** The principal that a description stands for. */
export function describedPrincipal(
  asked: {
    readonly kind: CallerKind;
    readonly caller: string;
    readonly roles: readonly Role[];
    readonly assurance: Assurance;
    readonly scopes: readonly string[];
  },
  organization: string,
): Principal {
  const kind = kinds[asked.kind] ?? "anonymous";
  const within = kind === "application" || kind === "member";
  const names = asked.roles.map((role) => Role[role].toLowerCase()) as NonNullable<Principal["roles"]>;
  const assurance = asked.assurance === Assurance.UNSPECIFIED ? undefined : Assurance[asked.assurance];
  return {
    kind,
    // No caller has this id.
    id: asked.caller === "" ? "described" : asked.caller,
    ...(within ? { organization } : {}),
    ...(kind === "member" || (kind === "operator" && names.length > 0) ? { roles: names } : {}),
    ...(assurance === undefined || kind === "application"
      ? {}
      : { assurance: assurance.toLowerCase() as NonNullable<Principal["assurance"]> }),
    ...(asked.scopes.length === 0 ? {} : { scopes: asked.scopes }),
  };
}
