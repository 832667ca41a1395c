import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";

/** Roles as docs/permissions.md writes them. */
export const roleNames = {
  owner: Role.OWNER,
  administrator: Role.ADMINISTRATOR,
  developer: Role.DEVELOPER,
  clinician: Role.CLINICIAN,
  auditor: Role.AUDITOR,
  operator: Role.OPERATOR,
  "privacy-officer": Role.PRIVACY_OFFICER,
  "staff-auditor": Role.STAFF_AUDITOR,
  support: Role.SUPPORT,
} as const;

/** Those that a member of an organization can have. */
export const memberRoles = {
  owner: Role.OWNER,
  administrator: Role.ADMINISTRATOR,
  developer: Role.DEVELOPER,
  clinician: Role.CLINICIAN,
  auditor: Role.AUDITOR,
} as const;
