import type { Words } from "./words/en.ts";

/** A page that others lead to. */
export interface Entry {
  readonly path: string;
  readonly label: (words: Words) => string;
  /** What is done there, in a few words. */
  readonly hint: (words: Words) => string;
}

/** Pages about one record: the reader's own, or that of whom they act for. A new page of this kind is a line here. */
export const recordEntries: readonly Entry[] = [
  {
    path: "/me/",
    label: ({ overview }) => overview.dashboard,
    hint: ({ overview }) => overview.dashboardHint,
  },
  {
    path: "/account/permissions",
    label: ({ overview }) => overview.permissions,
    hint: ({ overview }) => overview.permissionsHint,
  },
  {
    path: "/account/apps",
    label: ({ apps }) => apps.title,
    hint: ({ apps }) => apps.hint,
  },
  {
    path: "/account/people",
    label: ({ overview }) => overview.people,
    hint: ({ overview }) => overview.peopleHint,
  },
  {
    path: "/account/emergency",
    label: ({ emergency }) => emergency.nav,
    hint: ({ emergency }) => emergency.navHint,
  },
  {
    path: "/account/download",
    label: ({ download }) => download.title,
    hint: ({ download }) => download.hint,
  },
];

/** What a representative of somebody who died can do: the other pages change what is frozen. */
const forRepresentatives: ReadonlySet<string> = new Set([
  "/me/",
  "/account/permissions",
  "/account/people",
  "/account/download",
]);

/** Of the pages about a record, those that its reader can use. */
export function recordEntriesOf({ as }: { readonly as: string }): readonly Entry[] {
  return as === "representative"
    ? recordEntries.filter(({ path }) => forRepresentatives.has(path))
    : recordEntries;
}

/** Pages of an organization, for those who work there. */
export function organizationEntries(organization: string): readonly Entry[] {
  return [
    {
      path: `/developers/?organization=${organization}`,
      label: ({ overview }) => overview.developers,
      hint: ({ overview }) => overview.developersHint,
    },
    {
      path: `/organizations/${organization}/members`,
      label: ({ overview }) => overview.members,
      hint: ({ overview }) => overview.membersHint,
    },
    {
      path: `/organizations/${organization}/guardians`,
      label: ({ overview }) => overview.guardians,
      hint: ({ overview }) => overview.guardiansHint,
    },
    {
      path: `/organizations/${organization}/deaths`,
      label: ({ deaths }) => deaths.nav,
      hint: ({ deaths }) => deaths.navHint,
    },
    {
      path: `/organizations/${organization}/emergency`,
      label: ({ emergencyWork }) => emergencyWork.nav,
      hint: ({ emergencyWork }) => emergencyWork.navHint,
    },
  ];
}

/** Pages of the installation's staff. */
export const officeEntries: readonly Entry[] = [
  {
    path: "/office/organizations",
    label: ({ overview }) => overview.organizations,
    hint: ({ overview }) => overview.organizationsHint,
  },
  {
    path: "/office/guardians",
    label: ({ overview }) => overview.guardians,
    hint: ({ overview }) => overview.guardiansHint,
  },
  {
    path: "/office/deaths",
    label: ({ deaths }) => deaths.office,
    hint: ({ deaths }) => deaths.officeHint,
  },
  {
    path: "/office/emergencies",
    label: ({ emergencyWork }) => emergencyWork.office,
    hint: ({ emergencyWork }) => emergencyWork.officeHint,
  },
  {
    path: "/office/staff",
    label: ({ overview }) => overview.staff,
    hint: ({ overview }) => overview.staffHint,
  },
];

/** Of the pages of the staff, those that these roles can open. */
export function officeEntriesOf(roles: readonly string[]): readonly Entry[] {
  const has = (...some: readonly string[]) => roles.some((role) => some.includes(role));
  return officeEntries.filter(({ path }) => {
    if (/\/(guardians|deaths|emergencies)$/.test(path)) return has("privacy_officer");
    if (path.endsWith("/staff")) return has("operator", "privacy_officer", "staff_auditor");
    return true;
  });
}

/** Of the pages of an organization, those that these roles can open. */
export function organizationEntriesOf(organization: string, roles: readonly string[]): readonly Entry[] {
  const leads = roles.some((role) => role === "owner" || role === "administrator");
  const develops = roles.some((role) => role === "developer" || role === "auditor");
  return organizationEntries(organization).filter(({ path }) => {
    if (path.startsWith("/developers/")) return leads || develops;
    if (path.endsWith("/emergency")) return roles.includes("clinician");
    if (path.endsWith("/deaths")) return leads || roles.includes("clinician");
    return leads || path.endsWith("/members");
  });
}
