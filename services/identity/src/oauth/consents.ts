import { parseScope } from "@wellapi/scopes";
import { consentNotInForce, consentRequired } from "./errors.ts";
import type { OAuthStandings } from "./standings.ts";

/** Throws where a grant on a patient's data would stand on nothing, or on what is not in force. */
export async function checkConsents(
  standings: Pick<OAuthStandings, "inForce">,
  agreed: { readonly scopes: readonly string[]; readonly consents: readonly string[] },
  partition: string,
  organization: string,
): Promise<void> {
  const { scopes, consents } = agreed;
  const touches = scopes.some((scope) => parseScope(scope)?.context === "patient");
  if (touches && consents.length === 0) throw consentRequired();
  if (!(await standings.inForce(consents, partition, organization))) throw consentNotInForce();
}
