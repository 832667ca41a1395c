import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, createRouterTransport, type Transport } from "@connectrpc/connect";
import { createLeafSealer, openAccessLog } from "@wellapi/access-log";
import { openEnforcer } from "@wellapi/enforcer";
import { type Access, AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Organization_State } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { AccessDirectoryService } from "@wellapi/gen/wellapi/internal/audit/v1/access_directory_service_pb";
import { AuditIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { ConsentDecisionService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import {
  ApplyDeathRequest_Event,
  DeathDirectoryService,
} from "@wellapi/gen/wellapi/internal/identity/v1/death_directory_service_pb";
import { EmergencyDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/emergency_directory_service_pb";
import { OrganizationClockService } from "@wellapi/gen/wellapi/internal/identity/v1/organization_clock_service_pb";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import { createJournal, openFileJournal } from "@wellapi/journal";
import { openReceiptKey } from "@wellapi/receipts";
import { type Caller, createPageTokens, type Principal } from "@wellapi/rpc";
import { createTestTransport } from "@wellapi/rpc/testing";
import { randomIds, silentLogger, systemClock } from "@wellapi/runtime";
import { createOrganizationTimes, timesRememberedMs } from "@wellapi/service";
import { openSqliteStore, type Store } from "@wellapi/store";
import { shippedTerminology } from "@wellapi/terminology";
import { createPairwise, openLocalKms, openVault, vaultCollections } from "@wellapi/vault";
import { onTestFinished } from "vitest";
import { createConsentSealing } from "../src/consent-sealing.ts";
import { consentCollections, openConsentService } from "../src/index.ts";

export const patientId = "pat_00000000000000000000000001";
export const otherPatientId = "pat_00000000000000000000000002";
export const partition = `local/${patientId}`;

/** The third one's data is that of the migration's story. */
const patients = new Set(["1", "2", "3"].map((last) => `local/pat_${last.padStart(26, "0")}`));
const organizations = new Set(["org_clinic", "org_maker", "org_deleted"]);

export interface InstallationOptions {
  /** Runs before anything is opened: it may leave the files of an earlier program in the folder. */
  readonly prepare?: (folder: string) => Promise<void>;
  /** Default: SQLite at the path. */
  readonly openStore?: (path: string) => Promise<Store>;
  readonly requestsPerDay?: number;
}

/** The consent service over a real store and access log, behind the interceptors of the wire. */
export async function openInstallation(options: InstallationOptions = {}) {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-consent-"));
  await options.prepare?.(folder);
  const kms = await openLocalKms({ path: join(folder, "master.key") });
  const {
    openStore = (path) => openSqliteStore({ thread: "callers", path, collections: consentCollections }),
  } = options;
  const database = join(folder, "consent.db");
  let store = await openStore(database);
  const keys = await openSqliteStore({
    thread: "callers",
    path: join(folder, "keys.db"),
    collections: vaultCollections,
  });
  const vault = await openVault({ store: keys, kms });
  const sealing = await createConsentSealing({ vault, kms, damage: { report() {} } });
  const accesses: Access[] = [];
  let skippedMs = 0;
  const clock = { now: systemClock.now, monotonic: () => systemClock.monotonic() + skippedMs };
  /** Of organizations of a sandbox: by how many seconds each is ahead. */
  const ahead = new Map<string, number>();
  let moves = 0n;
  const erased = new Set<string>();
  const closed = new Set<string>(["org_deleted"]);
  const emergencies = {
    /** Organizations that have it switched on. */
    enabled: new Set<string>(["org_clinic"]),
    /** Runs once the switch was asked for, and answered. */
    asked: () => {},
    /** Of whom people were told. */
    told: [] as string[],
    /** Whether the mail's store answers. */
    reachable: true,
  };

  /** Runs while identity is asked whether there is a patient, or an organization. */
  const asking = { patient: async () => {}, organization: () => {} };
  const deaths = {
    /** What identity was told: the event, and which change of the freeze it is. */
    told: [] as Array<readonly [event: string, change: number]>,
    /** Whether identity answers. */
    reachable: true,
  };

  const intake = createRouterTransport(({ service }) => {
    service(AuditIntakeService, {
      append({ leaves }) {
        accesses.push(...leaves.map(({ body }) => fromBinary(AccessSchema, body)));
        return {};
      },
    });
  });
  const identity = createRouterTransport(({ service }) => {
    service(OrganizationService, {
      getOrganization({ organization }) {
        asking.organization();
        if (!organizations.has(organization)) throw new ConnectError("no such organization", Code.NotFound);
        const state = closed.has(organization) ? Organization_State.DELETED : Organization_State.ACTIVE;
        return { organization: { id: organization, state } };
      },
    });
    service(PatientDirectoryService, {
      async resolvePatient({ partition: asked }) {
        await asking.patient();
        if (!patients.has(asked)) throw new ConnectError("no such patient", Code.NotFound);
        return erased.has(asked) ? { eraseTime: { seconds: 1n, nanos: 0 } } : {};
      },
    });
    service(DeathDirectoryService, {
      applyDeath({ event, change }) {
        if (!deaths.reachable) throw new ConnectError("no room", Code.Unavailable);
        deaths.told.push([ApplyDeathRequest_Event[event], change]);
        return {};
      },
    });
    service(OrganizationClockService, {
      listOrganizationClocks: () => ({
        revision: moves,
        clocks: [...ahead].map(([organization, aheadSeconds]) => ({ organization, aheadSeconds })),
      }),
    });
    service(EmergencyDirectoryService, {
      getEmergencyStanding({ organization }) {
        const enabled = emergencies.enabled.has(organization);
        emergencies.asked();
        return { enabled };
      },
      tellEmergencyAccess({ emergencyAccess }) {
        if (!emergencies.reachable) throw new ConnectError("no room", Code.Unavailable);
        emergencies.told.push(emergencyAccess);
        return {};
      },
    });
  });
  /** What the log has of reads under consents: who asked, and figures by category. */
  const reads = {
    asked: [] as string[],
    byConsent: new Map<string, Record<string, number>>(),
    reachable: true,
  };
  const audit = createRouterTransport(({ service }) => {
    service(AccessDirectoryService, {
      describeReceived({ organization, consent, interval }) {
        if (!reads.reachable) throw new ConnectError("no room", Code.Unavailable);
        reads.asked.push(`${organization} ${consent}`);
        const time = timestampFromMs(clock.now());
        const categories = Object.entries(reads.byConsent.get(consent) ?? {}).map(([category, values]) => ({
          category,
          figures: { reads: 2n, values: BigInt(values), firstTime: time, lastTime: time },
        }));
        return { categories, ...(interval && { interval }) };
      },
    });
  });
  const sealer = await createLeafSealer({ kms, service: "consent" });
  const reserve = { path: join(folder, "consent.reserve"), bytes: 65_536 };
  const common = { terminology: shippedTerminology, clock, ids: randomIds, log: silentLogger };
  let accessLog = await openAccessLog({ ...common, store, sealer, intake, reserve });
  const pairwise = createPairwise({ secret: await kms.derive("pairwise") });
  const pageTokens = createPageTokens(await kms.derive("page-tokens"));
  const files = await openFileJournal({ thread: "callers", folder: join(folder, "journal") });
  const journal = await createJournal({ repository: files, kms });
  const receiptKey = await openReceiptKey(kms);
  const deps = {
    ...common,
    times: createOrganizationTimes({ profile: "sandbox", identity, clock }),
    vault,
    kms,
    pairwise,
    pageTokens,
    receiptKey,
    identity,
    audit,
    journal: { journal },
  };
  const openService = () =>
    openConsentService(
      { ...(options.requestsPerDay && { requestsPerDay: options.requestsPerDay }) },
      { ...deps, store, accessLog },
    );
  let service = await openService();
  /** Stops the service and its store, and starts them again; `meanwhile` has the closed files. */
  const reopen = async (meanwhile: () => Promise<void>) => {
    await service.close();
    await accessLog.close();
    await store.close();
    await meanwhile();
    store = await openStore(database);
    accessLog = await openAccessLog({ ...common, store, sealer, intake, reserve });
    service = await openService();
  };
  let isClosed = false;
  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    await service.close();
    await accessLog.close();
    await files.close();
    await store.close();
    await vault.close();
    await keys.close();
    await kms.close();
    await rm(folder, { recursive: true });
  };
  onTestFinished(close);

  function as(principal: Principal, workload: string): Transport {
    const caller: Caller = { principal, workload, token: "" };
    return createTestTransport({ routes: service.routes, caller });
  }
  const asPatient = (id: string) => as({ kind: "patient", id, partition: `local/${id}` }, "door");
  const asOrganization = (organization: string) =>
    as({ kind: "application", id: `app_${organization}`, organization, credential: "crd_1" }, "door");
  const asRecords = () => as({ kind: "service", id: "records" }, "records");

  return {
    folder,
    kms,
    sealer,
    /** Otherwise it is closed when the test is finished. */
    close,
    store,
    vault,
    sealing,
    as,
    journal,
    /** The service of an installation that was stopped and started again; `meanwhile` runs between the two. */
    async restart(meanwhile: () => Promise<void> = async () => {}) {
      await service.close();
      await meanwhile();
      service = await openService();
    },
    /** Starts the service again over the same store. Returns what starts it with the store as it was then; the journal stays. */
    async backUp(): Promise<() => Promise<void>> {
      const kept = join(folder, "backup.db");
      await reopen(() => copyFile(database, kept));
      return () => reopen(() => copyFile(kept, database));
    },
    clock,
    /** Moves the organization's clock forward, as identity does: once it is done, nobody uses what was known before. */
    moveClock(organization: string, forwardMs: number) {
      ahead.set(organization, (ahead.get(organization) ?? 0) + forwardMs / 1_000);
      moves += 1n;
      skippedMs += timesRememberedMs;
      return { aheadSeconds: ahead.get(organization)! };
    },
    erased,
    /** Organizations that are deleted. */
    closed,
    asking,
    emergencies,
    deaths,
    reads,
    pairwise,
    asRecords,
    patient: (id = patientId) => createClient(ConsentService, asPatient(id)),
    organization: (id = "org_clinic") => createClient(ConsentService, asOrganization(id)),
    decisions: (transport = asRecords()) => createClient(ConsentDecisionService, transport),
    async enforcer(name = "records-1", transport = asRecords()) {
      const enforcer = openEnforcer({ transport, instance: name, clock, log: silentLogger });
      onTestFinished(() => enforcer.close());
      await enforcer.ready();
      return enforcer;
    },
    /** What the log has got so far, oldest first. */
    async logged(): Promise<Access[]> {
      await accessLog.drained();
      return accesses;
    },
  };
}
