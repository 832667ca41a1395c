/**
 * What the installation's own command line may do for a person who signs it in: what they may do in the pages themselves. No
 * application can register these scopes: an application gets data under a consent, never a person's place.
 */
export const personScopes = {
  /** Of a patient: who acts in their name. */
  carers: "wellapi:carers",
  /** Of the account: its sessions, what it may act as, invitations and codes that it takes. */
  account: "wellapi:account",
  /** Of a member, as which they act for their organization. */
  organization: "wellapi:organization",
  /** Of the installation's staff. */
  staff: "wellapi:staff",
} as const;

export function isPersonScope(scope: string): boolean {
  return Object.values<string>(personScopes).includes(scope);
}
