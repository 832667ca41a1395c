import type { CedarValueJson, EntityJson, Request, TypeAndId } from "./cedar.ts";
import type { CallContext, DataQuestion, Subject } from "./vocabulary.ts";

const types = {
  application: "Application",
  member: "Member",
  patient: "Patient",
  person: "Person",
  operator: "Operator",
} as const;

const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;
const exchange: TypeAndId = { type: "Exchange", id: "exchange" };
const data: TypeAndId = { type: "Data", id: "data" };

/** The request to call an RPC. */
export function callRequest(subject: Subject, rpc: string, { time, address }: CallContext): Request {
  const at = new Date(time);
  return {
    ...principalOf(subject),
    action: rpc,
    resource: exchange,
    context: {
      time: extension("datetime", at.toISOString()),
      hour: at.getUTCHours(),
      weekday: weekdays[at.getUTCDay()]!,
      ...(address === undefined ? {} : { address: extension("ip", address) }),
    },
  };
}

/** The request to move data. */
export function dataRequest(subject: Subject, question: DataQuestion): Request {
  const { direction, code, categories, sensitivity, region, purpose, emergency = false } = question;
  const { principal, entities } = principalOf(subject);
  const attrs = { code, categories: [...categories], sensitivity };
  return {
    principal,
    action: direction,
    resource: data,
    context: direction === "contribute" ? { region } : { region, purpose: purpose ?? "", emergency },
    entities: [...entities, { uid: data, attrs, parents: [] }],
  };
}

function principalOf(subject: Subject): { principal: TypeAndId; entities: EntityJson[] } {
  const { kind, id, organization, assurance, actor } = subject;
  const principal = { type: types[kind], id };
  const roled = kind === "member" || kind === "operator";
  const signedIn = kind !== "application";
  const acted = kind === "application" || kind === "patient";
  const attrs: Record<string, CedarValueJson> = {
    ...(roled ? { roles: [...(subject.roles ?? (kind === "operator" ? ["operator"] : []))] } : {}),
    ...(signedIn && assurance !== undefined ? { assurance } : {}),
    ...(acted && actor !== undefined ? { actor } : {}),
  };
  const belongs = organization !== undefined && (kind === "application" || kind === "member");
  const parents = belongs ? [{ type: "Organization", id: organization }] : [];
  return { principal, entities: [{ uid: principal, attrs, parents }] };
}

function extension(fn: string, arg: string): CedarValueJson {
  return { __extn: { fn, arg } };
}
