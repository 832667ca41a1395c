import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { createLeafSealer, openAccessLog } from "@wellapi/access-log";
import { embeddedEventsCollections, openEmbeddedEvents } from "@wellapi/events";
import { type Access, AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { ConsentRequest_State as RequestState } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { DeletionObligation_State as ObligationState } from "@wellapi/gen/wellapi/consent/v1/deletion_obligation_service_pb";
import { RightsRequest_State as RightsState } from "@wellapi/gen/wellapi/consent/v1/rights_request_pb";
import { Organization_State as OrganizationState } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import {
  AccessDirectoryService,
  AccessNotedSchema,
} from "@wellapi/gen/wellapi/internal/audit/v1/access_directory_service_pb";
import { AuditIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { ConsentDirectoryService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_directory_service_pb";
import {
  ConsentChangedSchema,
  ConsentRequestChangedSchema,
  DeletionObligationChangedSchema,
  RightsRequestChangedSchema,
} from "@wellapi/gen/wellapi/internal/consent/v1/consent_events_pb";
import { MemberMailService } from "@wellapi/gen/wellapi/internal/identity/v1/member_mail_service_pb";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import { PatientMailService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_mail_service_pb";
import { EventService } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { NoticesService } from "@wellapi/gen/wellapi/notices/v1/notices_service_pb";
import { WebhookService } from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { createJournal, openFileJournal } from "@wellapi/journal";
import { type Caller, createPageTokens, type Principal } from "@wellapi/rpc";
import { createTestTransport } from "@wellapi/rpc/testing";
import { type LogFields, type Logger, silentLogger, systemClock } from "@wellapi/runtime";
import { openSqliteStore, type Store, StoreError } from "@wellapi/store";
import { shippedTerminology } from "@wellapi/terminology";
import { createPairwise, createTextMac, openLocalKms, openVault, vaultCollections } from "@wellapi/vault";
import { collections, noticesCollections, type SubscriptionDocument } from "../src/collections.ts";
import { seal, unseal } from "../src/sealing.ts";
import { openNoticesService } from "../src/service.ts";
import type { WebhooksConfig } from "../src/webhooks/room.ts";

export const patientId = "pat_00000000000000000000000001";
export const partition = `local/${patientId}`;
export const clinic = "org_clinic";

const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
/** A Friday at noon in Berlin, before summer time. */
export const noon = Date.parse("2026-03-20T11:00:00Z");

export interface Sent {
  readonly account: string;
  readonly messageId: string;
  readonly subject: string;
  readonly text: string;
}

interface FakeRequest {
  readonly organization: string;
  waits: boolean;
  readonly state: RequestState;
  readonly expireTime: number;
  readonly decideTime?: number;
}

interface Recipient {
  readonly account: string;
  readonly language: string;
  readonly hides: readonly string[];
}

export type Installation = Awaited<ReturnType<typeof openInstallation>>;

/** The service over real stores, events, keys and journal; what it asks of other services is answered by what a test sets. */
export async function openInstallation(
  pushHosts: readonly string[] = [],
  webhooks: WebhooksConfig = { reach: "internet" },
) {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-notices-"));
  const open = (name: string, collections: typeof noticesCollections) =>
    openSqliteStore({ thread: "callers", path: join(folder, `${name}.db`), collections });
  const kms = await openLocalKms({ path: join(folder, "master.key") });
  const [keys, broker] = [
    await open("keys", vaultCollections),
    await open("events", embeddedEventsCollections),
  ];
  const vault = await openVault({ store: keys, kms });
  await vault.create(partition, "data");
  await vault.create(partition, "audit");
  const state = {
    now: noon,
    mailServer: "up" as "up" | "down" | "refuses one" | "no recipients",
    /** Runs once the mail server has a mail, before the service knows it. */
    sent: async () => {},
    /** The patient died: nobody is told. */
    frozen: false,
    /** The store takes no writes. */
    diskFull: false,
    /** So many commits are durable, and the process does not learn it. */
    unknownCommits: 0,
    /** Consent answers nothing of versions and holders. */
    consentDown: false,
    /** Organizations that identity says are disabled. */
    disabled: new Set<string>(),
  };
  const warnings: string[] = [];
  const log: Logger = {
    ...silentLogger,
    warn: (_: LogFields | string, message?: string) => void warnings.push(message ?? ""),
  };
  const clock = { now: () => state.now, monotonic: systemClock.monotonic };
  const accesses = new Map<string, Access>();
  const consents = new Map<
    string,
    {
      organization: string;
      createTime: number;
      endTime?: number;
      revoked?: true;
      onlyDenies?: true;
      versions?: number[];
    }
  >();
  const requests = new Map<string, FakeRequest>();
  const obligations = new Map<
    string,
    { organization: string; createTime: number; dueTime: number; answered?: true }
  >();
  const rights = new Map<
    string,
    { organization: string; createTime: number; dueTime: number; withdrawTime?: number }
  >();
  const recipients: Recipient[] = [{ account: "usr_ada", language: "de", hides: [] }];
  /** Who acts for the patient, with what is hidden from them. */
  const acting = new Map<string, string[]>();
  const sent: Sent[] = [];
  /** What developers of organizations were told. */
  const told: { readonly organization: string; readonly messageId: string; readonly text: string }[] = [];
  const entries: Access[] = [];

  const network = createRouterTransport(({ service }) => {
    service(AccessDirectoryService, {
      lookupAccess({ access }) {
        const found = accesses.get(access);
        if (found === undefined) throw new ConnectError("none", Code.NotFound);
        return { access: found };
      },
    });
    service(ConsentDirectoryService, {
      describeConsent({ consent }) {
        const found = consents.get(consent);
        if (found === undefined) throw new ConnectError("none", Code.NotFound);
        const { organization, createTime, endTime, revoked, onlyDenies = false } = found;
        return {
          organization,
          onlyDenies,
          createTime: timestampFromMs(createTime),
          ...(endTime !== undefined && { endTime: timestampFromMs(endTime) }),
          ...(revoked && { revokeTime: timestampFromMs(state.now) }),
        };
      },
      describeRequest({ consentRequest }) {
        const found = requests.get(consentRequest);
        if (found === undefined) throw new ConnectError("none", Code.NotFound);
        const { state: kept, organization, expireTime, decideTime } = found;
        const lapsed = kept === RequestState.OPEN && expireTime <= state.now;
        return {
          organization,
          waits: found.waits,
          state: lapsed ? RequestState.LAPSED : kept,
          expireTime: timestampFromMs(expireTime),
          ...(decideTime !== undefined && { decideTime: timestampFromMs(decideTime) }),
        };
      },
      describeVersions({ consent }) {
        if (state.consentDown) throw new ConnectError("away", Code.Unavailable);
        const found = consents.get(consent);
        if (found === undefined) throw new ConnectError("none", Code.NotFound);
        const { organization, createTime, endTime, revoked = false, versions = [createTime] } = found;
        return {
          organization,
          revoked,
          versions: versions.map((time, i) => ({ version: i + 1, time: timestampFromMs(time) })),
          ...(endTime !== undefined && { endTime: timestampFromMs(endTime) }),
        };
      },
      describeObligation({ deletionObligation }) {
        const found = obligations.get(deletionObligation);
        if (found === undefined) throw new ConnectError("none", Code.NotFound);
        const { organization, createTime, dueTime, answered } = found;
        const open = state.now < dueTime ? ObligationState.OPEN : ObligationState.OVERDUE;
        return {
          organization,
          state: answered ? ObligationState.KEPT : open,
          createTime: timestampFromMs(createTime),
          dueTime: timestampFromMs(dueTime),
        };
      },
      describeRightsRequest({ rightsRequest }) {
        const found = rights.get(rightsRequest);
        if (found === undefined) throw new ConnectError("none", Code.NotFound);
        const { organization, createTime, dueTime, withdrawTime } = found;
        const open = state.now < dueTime ? RightsState.OPEN : RightsState.OVERDUE;
        return {
          organization,
          state: withdrawTime === undefined ? open : RightsState.WITHDRAWN,
          createTime: timestampFromMs(createTime),
          dueTime: timestampFromMs(dueTime),
          ...(withdrawTime !== undefined && { withdrawTime: timestampFromMs(withdrawTime) }),
        };
      },
      resolveHolders({ holdings }) {
        if (state.consentDown) throw new ConnectError("away", Code.Unavailable);
        const held = holdings.map(
          ({ held: { value = "" } }) =>
            consents.get(value) ?? requests.get(value) ?? obligations.get(value) ?? rights.get(value),
        );
        return { organizations: held.map((found) => found?.organization ?? "") };
      },
    });
    service(OrganizationService, {
      getOrganization({ organization: id }) {
        const standing = state.disabled.has(id) ? OrganizationState.DISABLED : OrganizationState.ACTIVE;
        return { organization: { id, state: standing } };
      },
    });
    service(PatientDirectoryService, {
      resolvePatient: () => ({ timeZones: [{ timeZone: "Europe/Berlin" }] }),
      resolveReaders: ({ accounts }) => ({
        patient: !state.frozen,
        readers: accounts.flatMap((account) => {
          const hides = state.frozen ? undefined : acting.get(account);
          return hides === undefined ? [] : { account, hides };
        }),
      }),
    });
    service(PatientMailService, {
      listMailRecipients() {
        // Nothing that waiting mends: who tries this for ever never ends.
        if (state.mailServer === "no recipients") throw new ConnectError("a defect", Code.Internal);
        return { recipients: recipients.map((one) => ({ ...one, hides: [...one.hides] })) };
      },
      async sendPatientMail({ account, messageId, subject, text }) {
        const refused = state.mailServer === "refuses one" && account === recipients[0]?.account;
        if (state.mailServer === "down" || refused) throw new ConnectError("no server", Code.Unavailable);
        sent.push({ account, messageId, subject, text });
        await state.sent();
        return { sent: true };
      },
    });
    service(MemberMailService, {
      tellDevelopers({ organization, messageId, letters }) {
        if (state.mailServer === "down") throw new ConnectError("no server", Code.Unavailable);
        told.push({ organization, messageId, text: letters.map(({ text }) => text).join() });
        return { told: 1 };
      },
    });
    service(AuditIntakeService, {
      append({ leaves }) {
        entries.push(...leaves.map(({ body }) => fromBinary(AccessSchema, body)));
        return {};
      },
    });
  });
  const sealer = await createLeafSealer({ kms, service: "notices" });
  const files = await openFileJournal({ thread: "callers", folder: join(folder, "journal") });
  const journal = await createJournal({ repository: files, kms });
  const pairwise = createPairwise({ secret: await kms.derive("pairwise") });
  const ids = { next: (prefix: string) => `${prefix}_${crypto.randomUUID()}` };

  async function start() {
    const opened = await open("notices", noticesCollections);
    const store: Store = {
      ...opened,
      async commit(commit) {
        if (state.diskFull) throw new StoreError("unavailable", "the disk is full", { full: true });
        const result = await opened.commit(commit);
        const unknown = state.unknownCommits > 0 && commit.partition.startsWith("organizations/");
        if (!unknown) return result;
        state.unknownCommits -= 1;
        throw new StoreError("unavailable", "the outcome is not known");
      },
    };
    const events = await openEmbeddedEvents({ store: broker, clock });
    const reserve = { path: join(folder, "notices.reserve"), bytes: 65_536 };
    const accessLog = await openAccessLog({
      store,
      sealer,
      intake: network,
      reserve,
      clock,
      ids,
      log: silentLogger,
    });
    const service = await openNoticesService(
      { pushHosts, webhooks, workEveryMs: 20 },
      {
        store,
        events,
        vault,
        kms,
        pairwise,
        pageTokens: createPageTokens(await kms.derive("page-tokens")),
        accessLog,
        journal: { journal },
        terminology: shippedTerminology,
        network,
        contact: () => "mailto:operator@wellapi.example",
        clock,
        log,
      },
    );
    await service.ready();
    return {
      service,
      store,
      events,
      async close() {
        await service.close();
        await events.close();
        await accessLog.close();
        await store.close();
      },
    };
  }

  let running = await start();
  let count = 0;
  const as = (principal: Partial<Principal> = {}) => {
    const caller: Caller = {
      principal: { kind: "patient", id: patientId, partition, assurance: "passkey", ...principal },
      workload: "door",
      token: "",
    };
    return createClient(NoticesService, createTestTransport({ routes: running.service.routes, caller }));
  };

  const transportOf = (organization: string, principal: Partial<Principal>) => {
    const caller: Caller = {
      principal: { kind: "application", id: `app_of_${organization}`, organization, ...principal },
      workload: "door",
      token: "",
    };
    return createTestTransport({ routes: running.service.routes, caller });
  };
  /** An application of an organization. */
  const application = (organization: string, principal: Partial<Principal> = {}) =>
    createClient(EventService, transportOf(organization, principal));

  return {
    state,
    accesses,
    consents,
    requests,
    obligations,
    rights,
    recipients,
    acting,
    sent,
    told,
    entries,
    warnings,
    vault,
    journal,
    as,
    application,
    /** The webhooks of an organization. */
    webhooks: (organization: string, principal: Partial<Principal> = {}) =>
      createClient(WebhookService, transportOf(organization, principal)),
    /** What a second process would share with the one that runs. */
    network,
    kms,
    pairwise,
    clock,
    /** The id by which an organization knows the patient. */
    known: (organization: string) => pairwise.outward(organization, patientId),
    tagOf: createTextMac(await kms.derive("notices/organizations")),
    /** The patient. */
    ada: () => as(),
    store: () => running.store,
    /** The log has an access, and says so; `id`: the event's, where it comes again. */
    async noted(
      access: Partial<Pick<Access, "method" | "organization" | "codes" | "emergencyAccess">> & {
        readonly reads?: number;
      },
      id = `event-${++count}`,
    ) {
      const { reads = 0, ...said } = access;
      const entry = create(AccessSchema, { id: `acc_${id}`, time: timestampFromMs(state.now), ...said });
      accesses.set(entry.id, entry);
      const noted = { partition, access: entry.id, timeMs: BigInt(state.now), reads };
      const data = toBinary(AccessNotedSchema, create(AccessNotedSchema, noted));
      await running.events.publish([{ id, subject: "audit.access.noted", data, headers: {} }]);
    },
    /** Consent says that a consent has a new version. */
    async consented(
      became: "created" | "amended" | "revoked",
      consent: string,
      version: number,
      of: string = partition,
    ) {
      const changed = create(ConsentChangedSchema, { partition: of, consent, version });
      await running.events.publish([
        {
          id: `${consent}.${version}`,
          subject: `consent.consent.${became}`,
          data: toBinary(ConsentChangedSchema, changed),
          headers: { "ce-time": new Date(state.now).toISOString() },
        },
      ]);
    },
    /** An organization asks for consent. */
    async asked(consentRequest: string, organization: string) {
      const expireTime = state.now + 30 * DAY;
      requests.set(consentRequest, { organization, waits: true, state: RequestState.OPEN, expireTime });
      await this.requested("created", consentRequest);
    },
    /** Consent says what became of a request. */
    async requested(became: "created" | "accepted" | "refused" | "withdrawn", consentRequest: string) {
      const asked = create(ConsentRequestChangedSchema, { partition, consentRequest });
      await running.events.publish([
        {
          id: `${consentRequest}.${became}`,
          subject: `consent.request.${became}`,
          data: toBinary(ConsentRequestChangedSchema, asked),
          headers: { "ce-time": new Date(state.now).toISOString() },
        },
      ]);
    },
    /** Consent says that there is an obligation to delete, or that the organization answered. */
    async obliged(deletionObligation: string, became: "created" | "answered" = "created") {
      const changed = create(DeletionObligationChangedSchema, { partition, deletionObligation });
      await running.events.publish([
        {
          id: `${deletionObligation}.${became}`,
          subject: `consent.obligation.${became}`,
          data: toBinary(DeletionObligationChangedSchema, changed),
          headers: { "ce-time": new Date(state.now).toISOString() },
        },
      ]);
    },
    /** Consent says that a patient used a right, or took that back. */
    async demanded(rightsRequest: string, became: "created" | "withdrawn" | "answered") {
      const changed = create(RightsRequestChangedSchema, { partition, rightsRequest });
      await running.events.publish([
        {
          id: `${rightsRequest}.${became}`,
          subject: `consent.rights.${became}`,
          data: toBinary(RightsRequestChangedSchema, changed),
          headers: { "ce-time": new Date(state.now).toISOString() },
        },
      ]);
    },
    /** Push subscriptions as they were stored before it was kept whose they are. */
    async forgetAccounts() {
      const key = (await vault.key(partition, "data"))!;
      const { subscriptions: collection } = collections;
      const { documents } = await running.store.scan<SubscriptionDocument>(collection, {
        equals: [partition],
        limit: 10,
      });
      for (const { document, revision } of documents) {
        const place = [collection, partition, document.subscription] as const;
        const { account: _, ...before } = unseal<Record<string, string>>(key, place, document.sealed);
        const older = { ...document, sealed: seal(key, place, before) };
        const change = { kind: "replace", collection, document: older, ifRevision: revision } as const;
        await running.store.commit({ partition, changes: [change] });
      }
    },
    async restart() {
      await running.close();
      running = await start();
    },
    async close() {
      await running.close();
      await broker.close();
      await vault.close();
      await keys.close();
      await files.close();
      await rm(folder, { recursive: true });
    },
  };
}
