import type { Logger } from "@wellapi/runtime";
import type { Change, Store, Stored } from "@wellapi/store";
import type { ItemSealer } from "@wellapi/vault";
import type { AlertKind } from "./alert.ts";
import { alertLetters } from "./alert.ts";
import { endpointIn } from "./endpoint-repository.ts";
import type { MemberMailClient } from "./member-mail-client.ts";
import { type AlertDocument, alerts, type EndpointDocument, endpoints } from "./webhook-documents.ts";

export interface AlertsDeps {
  readonly store: Store;
  readonly sealer: ItemSealer;
  readonly mail: MemberMailClient;
  readonly clock: { now(): number };
  readonly log: Logger;
}

const AT_ONCE = 50;
/** The first try is this long before the second; it doubles. */
const FIRST_BACKOFF_MS = 60_000;
const LONGEST_BACKOFF_MS = 6 * 3_600_000;
/** After about three days it is old news. */
const MOST_TRIES = 20;

/** For the commit of what it tells. */
export function alertOf(
  { partition, endpoint }: Pick<AlertDocument, "partition" | "endpoint">,
  kind: AlertKind,
  now: number,
): Change {
  const id = crypto.randomUUID();
  const document: AlertDocument = { partition, endpoint, id, kind, due_time: now, tries: 0 };
  return { kind: "insert", collection: alerts.name, document };
}

/**
 * Passes on what is due, so that it is told even if identity is away, or this process dies. Whoever moves an alert's time passes it on. Throws
 * StoreError.
 */
export async function passOnAlerts(deps: AlertsDeps, signal: AbortSignal): Promise<void> {
  const { store, clock } = deps;
  const range = { to: clock.now() + 1 };
  const due = { index: "due", equals: [], range, limit: AT_ONCE };
  for (const stored of (await store.scan<AlertDocument>(alerts.name, due)).documents) {
    if (signal.aborted) return;
    await passOn(deps, stored);
  }
}

async function passOn(deps: AlertsDeps, { document, revision }: Stored<AlertDocument>): Promise<void> {
  const { store, clock, log } = deps;
  const { partition, endpoint, id, tries } = document;
  const backoff = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** tries);
  const later: AlertDocument = { ...document, tries: tries + 1, due_time: clock.now() + backoff };
  const replaced = {
    kind: "replace",
    collection: alerts.name,
    document: later,
    ifRevision: revision,
  } as const;
  if (!(await store.commit({ partition, changes: [replaced] })).committed) return;
  try {
    await tell(deps, document);
  } catch (err) {
    log.warn(
      { err, endpoint, attempt: tries + 1 },
      "an organization waits to be told of its webhook endpoint",
    );
    if (tries + 1 < MOST_TRIES) return;
  }
  const told: Change = { kind: "delete", collection: alerts.name, key: [partition, endpoint, id] };
  await store.commit({ partition, changes: [told] });
}

/** Nothing of an endpoint that is deleted, or that somebody has enabled meanwhile. */
async function tell({ store, sealer, mail }: AlertsDeps, alert: AlertDocument): Promise<void> {
  const { partition, endpoint, id, kind } = alert;
  const stored = await store.get<EndpointDocument>(endpoints.name, [partition, endpoint]);
  if (stored === undefined) return;
  const { organization, state } = endpointIn(sealer, stored.document);
  if (kind !== "given_up" && state !== "disabled") return;
  await mail.tell(organization, `${endpoint}.${id}`, alertLetters(kind, endpoint, organization));
}
