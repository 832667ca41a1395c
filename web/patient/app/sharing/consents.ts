import { type Consent, Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import type { Connection } from "../api/connection.ts";

/** Pages of this size; five of them are more than anybody gives. */
const pageSize = 500;
const mostPages = 5;

/** Every consent that is in force or will be; with `all` also those that are over, of one organization. */
export async function consentsOf(
  { consents }: Connection,
  signal: AbortSignal,
  only: { readonly organization: string } | undefined = undefined,
): Promise<readonly Consent[]> {
  const states = only === undefined ? [Consent_State.ACTIVE, Consent_State.SCHEDULED] : [];
  const found: Consent[] = [];
  let pageToken = "";
  for (let page = 0; page < mostPages; page += 1) {
    const asked = { pageSize, pageToken, states, grantee: only?.organization ?? "" };
    const answer = await consents.listConsents(asked, { signal });
    found.push(...answer.consents);
    pageToken = answer.nextPageToken;
    if (pageToken === "") break;
  }
  return found;
}
