/** Who may call an RPC, in the words of docs/permissions.md and of the OpenAPI document. */
import { Assurance, CallerKind, type Callers, Role } from "../gen/wellapi/type/v1/callers_pb.js";

export interface CallersInWords {
  /** Whoever calls with this kind of credential. */
  readonly principals: readonly string[];
  /** Roles of members of organizations. */
  readonly members: readonly string[];
  /** Roles of the installation's staff. */
  readonly staff: readonly string[];
  /** The least that a signed-in person needs, and in brackets members and staff where they need more; may be empty. */
  readonly signIn: string;
  /** What an OAuth access token needs, any of them. */
  readonly scopes: readonly string[];
}

const staffRoles: readonly Role[] = [Role.OPERATOR, Role.PRIVACY_OFFICER, Role.STAFF_AUDITOR, Role.SUPPORT];
const memberRoles: readonly Role[] = [
  Role.OWNER,
  Role.ADMINISTRATOR,
  Role.DEVELOPER,
  Role.CLINICIAN,
  Role.AUDITOR,
];
const assurances = ["", "code", "passkey", "fresh"];
const people = [
  [CallerKind.ANYONE, "anyone"],
  [CallerKind.APPLICATION, "application"],
  [CallerKind.PATIENT, "patient"],
  [CallerKind.PERSON, "person"],
] as const;

export function callersInWords(callers: Callers): CallersInWords {
  const { kinds, roles, assurance, roleAssurance, scopes, representatives, workloads, surfaces } = callers;
  // Carried by a service's HTTP surface, and by no door.
  const only = workloads.length === 0 ? ` over ${surfaces.join(" or ")} alone` : "";
  const ofStaff = roles.length === 0 ? [Role.OPERATOR] : staffRoles.filter((role) => roles.includes(role));
  const raised = roleAssurance > assurance ? ` (${assurances[roleAssurance]})` : "";
  return {
    principals: [
      ...people.filter(([kind]) => kinds.includes(kind)).map(([, name]) => `${name}${only}`),
      ...(kinds.includes(CallerKind.PATIENT) && representatives ? [`representative${only}`] : []),
    ],
    members: kinds.includes(CallerKind.MEMBER)
      ? memberRoles.filter((role) => roles.includes(role)).map((role) => `${nameOf(role)}${only}`)
      : [],
    staff: kinds.includes(CallerKind.OPERATOR) ? ofStaff.map((role) => `${nameOf(role)}${only}`) : [],
    signIn: `${assurances[assurance ?? Assurance.UNSPECIFIED]}${raised}`,
    scopes,
  };
}

function nameOf(role: Role): string {
  return Role[role].toLowerCase().replaceAll("_", " ");
}
