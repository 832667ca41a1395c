/** How each service is made from a platform: the same in one process and in a process of its own. */
import { randomUUID } from "node:crypto";
import { auditCollections, type OpenAuditService, openAuditService } from "@wellapi/audit";
import { type ConsentServiceHandle, consentCollections, openConsentService } from "@wellapi/consent";
import { Answers, openEnforcer } from "@wellapi/enforcer";
import { type IdentityService, identityCollections, openIdentityService } from "@wellapi/identity";
import { type OpenIngestionService, openIngestionService } from "@wellapi/ingestion";
import { openReceiptKey } from "@wellapi/receipts";
import { openRecordsService, type RecordsServer, recordsCollections } from "@wellapi/records";
import type { Platform } from "./platform.ts";
import { observeCompaction, observeEventOutbox, observeSession } from "./signals/gauges.ts";

export async function composeAudit(platform: Platform): Promise<OpenAuditService> {
  const { installation, clock, log, closers } = platform;
  const { kms, pageTokens } = await platform.keys();
  const audit = await openAuditService(
    { trustDomain: installation.trustDomain, ...platform.logFiles },
    {
      store: await platform.openStore("audit", auditCollections),
      vault: await platform.vault(),
      kms,
      clock,
      pageTokens,
      log,
    },
  );
  closers.push("audit", () => audit.close());
  return audit;
}

export async function composeIdentity(platform: Platform): Promise<IdentityService> {
  const { installation, clock, ids, log, closers } = platform;
  const keys = await platform.keys();
  const store = await platform.openStore("identity", identityCollections);
  const identity = await openIdentityService(installation, {
    store,
    vault: await platform.vault(),
    ...keys,
    accessLog: await platform.openAccessLog("identity", store),
    journal: await platform.journal(),
    clock,
    ids,
    log,
  });
  closers.push("identity", () => identity.close());
  return identity;
}

export async function composeConsent(platform: Platform): Promise<ConsentServiceHandle> {
  const { clock, ids, log, closers, network } = platform;
  const { pairwise, pageTokens } = await platform.keys();
  const store = await platform.openStore("consent", consentCollections);
  const consent = await openConsentService(
    {},
    {
      store,
      pairwise,
      accessLog: await platform.openAccessLog("consent", store),
      journal: await platform.journal(),
      identity: network.onOwn("consent"),
      pageTokens,
      terminology: await platform.terminology(),
      clock,
      ids,
      log,
    },
  );
  closers.push("consent", () => consent.close());
  return consent;
}

/** By so much a watch at one replica sees a commit of another later, where the signal of it was lost. */
const LOOK_EVERY_MS = 5_000;

/** Records, and its enforcer. */
export interface ComposedRecords extends RecordsServer {
  /** Answers in flight, under the enforcer's session. */
  readonly answers: Answers;
  /** Resolves once the enforcer has a session with consent. */
  ready(signal?: AbortSignal): Promise<void>;
}

/** An enforcer with a session of the workload's own, and what is in flight under it. */
export function composeEnforcer({ network, clock, log, closers }: Platform, workload: string) {
  const transport = network.onOwn(workload);
  const enforcer = openEnforcer({ transport, instance: randomUUID(), clock, log });
  closers.push("enforcer", () => enforcer.close());
  closers.push("signals of the session", observeSession(enforcer));
  return { enforcer, answers: new Answers(enforcer) };
}

export async function composeRecords(platform: Platform): Promise<ComposedRecords> {
  const { installation, clock, ids, log, closers, network } = platform;
  const { kms, pairwise, pageTokens } = await platform.keys();
  const vault = await platform.vault();
  const events = await platform.openEvents(["records.>"]);
  const store = await platform.openStore("records", recordsCollections);
  const relay = platform.openRelay(store, events);
  closers.push("relay", () => relay.close());
  closers.push("signals of the outbox", observeEventOutbox("records", store, clock));
  const { enforcer, answers } = composeEnforcer(platform, "records");
  // A key must not outlive the session under which it was unwrapped.
  enforcer.onRecall((recall) => {
    if (recall === undefined) vault.forgetAll("data");
    else vault.forget(recall.partition);
  });
  const records = await openRecordsService(
    {
      region: installation.region,
      backupRetentionDays: 35,
      compactAfterMs: installation.compactAfterMs,
      releaseMinimum: installation.releaseMinimum,
      ...(platform.replicated ? { lookEveryMs: LOOK_EVERY_MS } : {}),
    },
    {
      store,
      vault,
      pairwise,
      enforcer,
      answers,
      accessLog: await platform.openAccessLog("records", store),
      journal: await platform.journal(),
      relay,
      ...(platform.replicated ? { signals: events } : {}),
      identity: network.onOwn("records"),
      consent: network.onOwn("records"),
      pageTokens,
      terminology: await platform.terminology(),
      receiptKey: await openReceiptKey(kms),
      clock,
      ids,
      log,
    },
  );
  closers.push("records", () => records.close());
  closers.push("signals of compaction", observeCompaction(records.compaction));
  return { ...records, answers, ready: (signal) => enforcer.ready(signal) };
}

export async function composeIngestion(platform: Platform): Promise<OpenIngestionService> {
  const { clock, log, closers, network } = platform;
  const ingestion = await openIngestionService(
    {},
    { records: network.onBehalf("ingestion"), terminology: await platform.terminology(), clock, log },
  );
  closers.push("ingestion", () => ingestion.close());
  return ingestion;
}
