import { type Consent, Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import type { Connection } from "../api/connection.ts";
import { type Problem, problemOf } from "../api/problem.ts";
import { msOf } from "../api/time.ts";

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

/** What became of a stop. */
export interface Stopped {
  /** When the last of them was stopped, UTC milliseconds; undefined where none was. */
  readonly at: number | undefined;
  readonly stopped: number;
  /** Still in force: what went wrong with the first. */
  readonly problem: Problem | undefined;
}

/** Revokes all of them. Each answer says that nothing that starts later gets the data. */
export async function stop({ consents }: Connection, all: readonly Consent[]): Promise<Stopped> {
  const answers = await Promise.allSettled(all.map(({ id }) => consents.revokeConsent({ consent: id })));
  const times = answers.flatMap((answer) =>
    answer.status === "fulfilled" ? [msOf(answer.value.consent?.revokeTime)] : [],
  );
  const failure = answers.find((answer) => answer.status === "rejected");
  return {
    at: times.length === 0 ? undefined : Math.max(...times),
    stopped: times.length,
    problem: failure === undefined ? undefined : problemOf(failure.reason),
  };
}
