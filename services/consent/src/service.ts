import type { Transport } from "@connectrpc/connect";
import type { AccessLog } from "@wellapi/access-log";
import { systemTimers, type Timers } from "@wellapi/enforcer";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { ConsentDecisionService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import { createFollower, type JournalAccess } from "@wellapi/journal";
import type { ReceiptKey } from "@wellapi/receipts";
import { type PageTokens, type Route, route } from "@wellapi/rpc";
import { type Clock, createDamageReporter, type Ids, type Logger } from "@wellapi/runtime";
import { createTrueTimes, type OrganizationTimes } from "@wellapi/service";
import type { Store } from "@wellapi/store";
import type { Terminology } from "@wellapi/terminology";
import type { Kms, Pairwise, Vault } from "@wellapi/vault";
import { createAccesses } from "./accesses.ts";
import { createConsentDeletion } from "./consent-deletion.ts";
import { checkStoredFormat } from "./consent-documents.ts";
import { createConsentHandlers } from "./consent-handlers.ts";
import { sealStoredConsents } from "./consent-migration.ts";
import { ConsentRepository, type Notified } from "./consent-repository.ts";
import { createConsentSealing } from "./consent-sealing.ts";
import { openDeathRoom } from "./death/room.ts";
import { createDecisionHandlers } from "./decision-handlers.ts";
import { openEmergencyRoom } from "./emergency/room.ts";
import { Granting } from "./granting.ts";
import { ObligationRepository } from "./obligations/obligation-repository.ts";
import { openObligationRoom } from "./obligations/room.ts";
import { createParties } from "./parties-client.ts";
import { createProcessSessions } from "./process-sessions.ts";
import { Recalls } from "./recall.ts";
import { RecalledChanges } from "./recalled-changes.ts";
import { createRequestRoom } from "./requests/room.ts";
import { Revocations } from "./revocation.ts";
import { RightsRepository } from "./rights/rights-repository.ts";
import { createRightsRoute } from "./rights/room.ts";
import { createScopeSealing } from "./scope-sealing.ts";
import { SessionRepository } from "./session-repository.ts";
import { SessionStreams } from "./session-streams.ts";
import type { Categories } from "./understanding.ts";

export interface ConsentConfig {
  /** Interval of the search for recalls that a stopped replica left behind, in milliseconds; default 5,000. */
  readonly sweepEveryMs?: number;
  /** Whether every enforcer runs in this process: its sessions are then kept in memory. Default: they are stored. */
  readonly enforcersInProcess?: boolean;
  /** Home region of the patients; default `local`. */
  readonly region?: string;
  /** Requests for consent that an organization may make in a day of UTC; default 1,000. */
  readonly requestsPerDay?: number;
  /** Days in which an organization answers whether it deleted what it received under a consent that has ended; default 30. */
  readonly deletionDays?: number;
}

export interface ConsentDeps {
  /** Declares `consentCollections`. */
  readonly store: Store;
  readonly accessLog: AccessLog;
  /** Seals consents under patients' audit keys. */
  readonly vault: Pick<Vault, "key" | "create">;
  readonly kms: Pick<Kms, "derive">;
  readonly pairwise: Pairwise;
  readonly pageTokens: PageTokens;
  /** Moves events out of the store; notified of each commit that has some. Without it they leave later. */
  readonly relay?: Notified;
  /** Outlives the store: revocations are recorded in it, and replayed from it before the service opens. */
  readonly journal: JournalAccess;
  /** Calls identity as the workload `consent` on its own behalf (`asService` of @wellapi/rpc). */
  readonly identity: Transport;
  /** Calls audit, in the same way. */
  readonly audit: Transport;
  /** Signs receipts of what patients decided; its public half is published by the audit service. */
  readonly receiptKey: Pick<ReceiptKey, "sign">;
  /** The categories that consents name: the same for every service that decides. */
  readonly terminology: Terminology;
  readonly clock: Clock;
  /** What time it is for each organization. Default: the true time. */
  readonly times?: OrganizationTimes;
  readonly ids: Ids;
  readonly log: Logger;
  readonly timers?: Timers;
  /** Tells the doors of this process that a consent was revoked, once that is durable. */
  readonly ended?: (consent: string) => void;
}

export interface ConsentServiceHandle {
  /** ConsentDecisionService among them: never serve it to callers from outside. */
  readonly routes: readonly Route[];
  /** Ends the enforcers' streams and waits for the sweep under way. Resources that it was given stay open. */
  close(): Promise<void>;
}

/** A session that has not been renewed for this long is retired, so that no revocation has to wait for it. */
const staleAfterMs = 10_000;

/**
 * Seals what an earlier version has stored in clear, then replays the journal, where the store lacks entries of it. Throws
 * JournalError.
 */
export async function openConsentService(
  config: ConsentConfig,
  deps: ConsentDeps,
): Promise<ConsentServiceHandle> {
  const {
    sweepEveryMs = 5_000,
    enforcersInProcess = false,
    region = "local",
    requestsPerDay = 1_000,
    deletionDays = 30,
  } = config;
  const {
    store,
    accessLog,
    pairwise,
    terminology,
    clock,
    times = createTrueTimes(clock),
    ids,
    log,
    timers = systemTimers,
  } = deps;
  const categories: Categories = {
    has: terminology.isInCategory,
    knows: (name, version) => version >= 1 && version <= terminology.currentVersion(name),
  };
  const closing = new AbortController();
  const accesses = createAccesses(accessLog, pairwise, times);
  const damage = createDamageReporter({ store: "consent", log });
  const sealing = await createConsentSealing({ vault: deps.vault, kms: deps.kms, damage });
  const scopes = await createScopeSealing(deps.kms);
  await checkStoredFormat(store);
  const whole = await sealStoredConsents({ store, sealing, log });
  const consents = new ConsentRepository(store, sealing, scopes, {
    whole,
    relay: deps.relay,
    aheadOf: times.aheadOf,
  });
  const sessions = enforcersInProcess
    ? createProcessSessions()
    : new SessionRepository(store, scopes, timers);
  const retire = (session: string) => {
    if (closing.signal.aborted) return; // the next start, or another replica, finds it stale
    recalls.retire(session).catch((err: unknown) => {
      if (!closing.signal.aborted) log.warn({ err }, "a session could not be retired");
    });
  };
  const streams: SessionStreams = new SessionStreams({ sessions, clock, ids, log, onClosed: retire });
  const recalls = new Recalls({ sessions, streams, clock, timers, ids, log });
  const journal = createFollower({ ...deps.journal, store, log });
  const changes = new RecalledChanges({ consents, recalls, ids, log });
  const revocations = new Revocations({
    consents,
    changes,
    journal,
    clock,
    ...(deps.ended && { ended: deps.ended }),
  });
  const granting = new Granting({ consents, changes, journal, clock, ids });
  const deletion = createConsentDeletion({ store, consents });
  const obligations = new ObligationRepository(store, sealing);
  const rights = new RightsRepository(store, sealing);
  const shared = { times, consents, changes, journal, accesses, sealing, obligations, rights, region };
  const emergency = await openEmergencyRoom({ ...deps, ...shared });
  const death = openDeathRoom({ ...deps, ...shared });
  const parties = createParties(deps.identity);
  const deletions = openObligationRoom({ ...deps, ...shared, deletionDays });
  const { relay } = deps;
  const rightsRoute = createRightsRoute({ ...deps, ...shared, relay, granting, revocations, parties });
  const requests = createRequestRoom({
    ...deps,
    ...shared,
    relay,
    granting,
    parties,
    categories,
    requestsPerDay,
  });

  await journal.start(async (entry) => {
    const leafOf = (partition: string) => accesses.replayed(partition);
    await revocations.replay(entry, leafOf);
    await emergency.replay(entry);
    await death.replay(entry);
    await deletion.replay(entry, leafOf);
  });

  deletions.start();
  const closeSweep = startSweep({ sessions, changes, retire, timers, clock, log, everyMs: sweepEveryMs });

  return {
    routes: [
      route(
        ConsentService,
        createConsentHandlers({ ...deps, ...shared, granting, revocations, categories, parties }),
      ),
      ...requests.routes,
      emergency.route,
      death.route,
      deletions.route,
      rightsRoute,
      route(
        ConsentDecisionService,
        createDecisionHandlers({
          ...deps,
          times,
          consents,
          revocations,
          deletion,
          streams,
          accesses,
          categories,
          requests: requests.requests,
          closing: closing.signal,
        }),
      ),
    ],
    async close() {
      closing.abort();
      const swept = closeSweep();
      recalls.close();
      await swept;
      await deletions.close();
      await emergency.close();
      await death.close();
      await journal.close();
    },
  };
}

/** Completes the recalls that a stopped replica left, now and again and again. Returns what ends that and waits for the turn under way. */
function startSweep(deps: {
  readonly sessions: { stale(before: number): Promise<Iterable<string>> };
  readonly changes: RecalledChanges;
  readonly retire: (session: string) => void;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly log: Logger;
  readonly everyMs: number;
}): () => Promise<void> {
  const { sessions, changes, retire, timers, clock, log, everyMs } = deps;
  let closed = false;
  let cancel = () => {};
  let sweeping: Promise<void>;
  const sweep = (takeOverAtOnce: boolean) => {
    sweeping = (async () => {
      for (const session of await sessions.stale(clock.now() - staleAfterMs)) retire(session);
      await changes.sweep(takeOverAtOnce);
    })().catch((err: unknown) => log.warn({ err }, "recalls that were left behind could not be completed"));
    sweeping.then(() => {
      if (!closed) cancel = timers.after(everyMs, () => sweep(false));
    });
  };
  sweep(true);
  return () => {
    closed = true;
    cancel();
    return sweeping;
  };
}
