import { ActingOption_Kind } from "@wellapi/gen/wellapi/identity/v1/account_pb";
import { connect } from "./connection.ts";

/** An organization in which the reader may do something here. */
export interface Membership {
  readonly organization: string;
  readonly name: string;
  /** As the callers' table spells them: `owner`, `developer`. */
  readonly roles: readonly string[];
}

const roles = ["owner", "administrator", "developer", "auditor"];

/** What the reader can work for here. */
export interface Memberships {
  readonly all: readonly Membership[];
  /** How many more organizations the reader may create. */
  readonly left: number;
  /** Whether this is a sandbox. */
  readonly sandbox: boolean;
}

/** Of all that the reader may act as, what concerns applications. */
export async function listMemberships(): Promise<Memberships> {
  const { options, organizationsLeft, sandbox } = await connect("account").accounts.listActingOptions({});
  const all = options
    .filter(
      ({ kind, roles: own }) => kind === ActingOption_Kind.MEMBER && own.some((one) => roles.includes(one)),
    )
    .map(({ actingAs, displayName, roles: own }) => ({
      organization: actingAs,
      name: displayName,
      roles: own,
    }));
  return { all, left: organizationsLeft, sandbox };
}

/** Keys and applications are changed by these; an auditor looks. */
export function mayChange({ roles: own }: Membership): boolean {
  return own.some((role) => role !== "auditor" && roles.includes(role));
}

/** Entries of the log name patients, by the organization's own ids: not everybody who develops sees them. */
export function mayReadLog({ roles: own }: Membership): boolean {
  return own.some((role) => role === "owner" || role === "auditor");
}

/** The organization's requests name no patient. */
export function mayReadRequests(membership: Membership): boolean {
  return mayChange(membership);
}

const chosenKey = "wellapi-organization";

/** The organization that a link names, else that which was chosen in this browser, else the first; undefined where there is none. */
export function chosenOf(memberships: readonly Membership[]): Membership | undefined {
  const chosen = new URLSearchParams(location.search).get("organization") ?? localStorage.getItem(chosenKey);
  return memberships.find(({ organization }) => organization === chosen) ?? memberships[0];
}

export function choose({ organization }: Pick<Membership, "organization">): void {
  localStorage.setItem(chosenKey, organization);
}
