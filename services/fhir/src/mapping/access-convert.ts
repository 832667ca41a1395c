import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { FhirObject, FhirResource } from "@wellapi/fhir-r4";
import { type Access, Access_Outcome, type LoggedAccess } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { type Actor, Actor_Kind, Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { fhirPatientId } from "./logical-id.ts";
import { purposeCoding } from "./purposes.ts";
import { organizationIdOf } from "./source-convert.ts";

const own = "https://wellapi.dev/fhir";

/** HL7's outcomes: 0 success, 4 minor failure (a refusal), 8 serious failure. */
const outcomes: Readonly<Record<Access_Outcome, string>> = {
  [Access_Outcome.UNSPECIFIED]: "8",
  [Access_Outcome.PERMITTED]: "0",
  [Access_Outcome.DENIED]: "4",
  [Access_Outcome.UNDECIDED]: "8",
};

const actions: Readonly<Record<Direction, string>> = {
  [Direction.UNSPECIFIED]: "E",
  [Direction.CONTRIBUTE]: "C",
  [Direction.READ]: "R",
};

const patientKinds: readonly Actor_Kind[] = [Actor_Kind.PATIENT, Actor_Kind.GUARDIAN, Actor_Kind.CARER];

export function auditEventId(access: string): string {
  return access.replace("_", "-");
}

/** An entry of the log; undefined where it is damaged, or its patient was erased: no AuditEvent says so little. */
export function auditEventResource({ access }: LoggedAccess): FhirResource | undefined {
  if (access?.time === undefined || access.method === "") return undefined;
  const { id, time, method, direction, outcome, reason, purpose } = access;
  const why = purposeCoding(purpose);
  const entity = entitiesOf(access);
  return {
    resourceType: "AuditEvent",
    id: auditEventId(id),
    type: { system: "http://terminology.hl7.org/CodeSystem/audit-event-type", code: "rest" },
    subtype: [{ system: `${own}/CodeSystem/rpc`, code: method }],
    action: actions[direction] ?? "E",
    recorded: timestampDate(time).toISOString(),
    outcome: outcomes[outcome] ?? "8",
    ...(reason !== "" && { outcomeDesc: reason }),
    ...(why !== undefined && { purposeOfEvent: [{ coding: [why] }] }),
    agent: agentsOf(access),
    source: { observer: { display: "WellAPI" } },
    ...(entity.length > 0 && { entity }),
  };
}

function agentsOf({ actor, organization, workload }: Access): FhirObject[] {
  const person = actor === undefined ? [] : [{ who: whoOf(actor), requestor: true }];
  return [
    ...person,
    ...(organization === ""
      ? []
      : [
          {
            who: { reference: `Organization/${organizationIdOf(organization)}` },
            requestor: person.length === 0,
          },
        ]),
    ...(person.length > 0 || organization !== ""
      ? []
      : [{ who: { display: workload || "unknown" }, requestor: true }]),
  ];
}

function whoOf({ kind, id }: Actor): FhirObject {
  if (kind === Actor_Kind.PATIENT && id !== "") return { reference: `Patient/${fhirPatientId(id)}` };
  const display = Actor_Kind[kind]?.toLowerCase() ?? "unknown";
  return {
    ...(patientKinds.includes(kind) && { type: kind === Actor_Kind.PATIENT ? "Patient" : "RelatedPerson" }),
    ...(id !== "" && { identifier: { system: `${own}/actor`, value: id } }),
    display,
  };
}

function entitiesOf({ patient, codes, consents, items, parts }: Access): FhirObject[] {
  const detail = [
    ...codes.map((code) => ({ type: "code", valueString: code })),
    ...(items > 0 ? [{ type: "items", valueString: String(items) }] : []),
    // Of a call that read several sources.
    ...parts.map((part) => ({ type: `items of ${part.method}`, valueString: String(part.items) })),
  ];
  const system = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
  return [
    ...(patient === ""
      ? []
      : [
          {
            what: { reference: `Patient/${fhirPatientId(patient)}` },
            type: { system, code: "1", display: "Person" },
            role: {
              system: "http://terminology.hl7.org/CodeSystem/object-role",
              code: "1",
              display: "Patient",
            },
            ...(detail.length > 0 && { detail }),
          },
        ]),
    ...consents.map(({ consent, version }) => ({
      what: { reference: `Consent/${consent.replace("_", "-")}` },
      type: { system, code: "2", display: "System Object" },
      detail: [{ type: "version", valueString: String(version) }],
    })),
  ];
}
