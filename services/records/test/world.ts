import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  createRouterTransport,
  type Transport,
} from "@connectrpc/connect";
import { createLeafSealer, openAccessLog } from "@wellapi/access-log";
import { Answers, type Dispute, openEnforcer } from "@wellapi/enforcer";
import { type Access, AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { AuditIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import { PolicyDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/policy_directory_service_pb";
import { RecordsWriteService } from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { PreviewService } from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import type { SeriesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { createJournal, openFileJournal } from "@wellapi/journal";
import { openReceiptKey } from "@wellapi/receipts";
import { type Actor, type Caller, createPageTokens, type Principal, problemOf } from "@wellapi/rpc";
import { createTestTransport } from "@wellapi/rpc/testing";
import { type Clock, type Logger, randomIds, silentLogger, systemClock } from "@wellapi/runtime";
import { type Commit, openSqliteStore, type Store, StoreError } from "@wellapi/store";
import { SLEEP_STAGE_SYSTEM, shippedTerminology } from "@wellapi/terminology";
import { createPairwise, openLocalKms, openVault, vaultCollections } from "@wellapi/vault";
import { onTestFinished } from "vitest";
import type { Head } from "../src/blocks/documents.ts";
import { withBox } from "../src/blocks/patient-box.ts";
import type { PeerSignals } from "../src/blocks/peer-commits.ts";
import type { RecordsConfig } from "../src/config.ts";
import { clinicalSelfValidating } from "../src/door/clinical-handlers.ts";
import { openRecordsService, recordsCollections } from "../src/index.ts";
import type { RecordsDeps } from "../src/service.ts";
import { createFakeConsent, type TestConsent } from "./fake-consent.ts";

export const HEART_RATE = "8867-4";
export const STEPS = "55423-8";
export const WEIGHT = "29463-7";

/** A store whose commits can be made to fail, before or after they happened. */
export interface FaultyStore extends Store {
  mode: "works" | "refuses" | "commits_and_fails";
  /** Awaited where given: before each scan, and after each commit. */
  scanning?: (collection: string) => Promise<void>;
  committed?: (commit: Commit) => Promise<void>;
}

function faulty(store: Store): FaultyStore {
  return {
    ...store,
    mode: "works",
    async scan(...call) {
      await this.scanning?.(call[0]);
      return store.scan(...call);
    },
    async commit(commit) {
      const failure = new StoreError("unavailable", "the disk is full");
      if (this.mode === "refuses") throw failure;
      const result = await store.commit(commit);
      await this.committed?.(commit);
      if (this.mode === "commits_and_fails") throw failure;
      return result;
    },
  };
}

/** An organization's application, as a door lets it in. */
export interface TestApplication {
  readonly organization: string;
  readonly application: string;
  /** Of its access token. Absent: it has none, and nothing limits it. */
  readonly scopes?: readonly string[];
  readonly onlyPatient?: string;
  /** The version of its organization's restrictions that its token names. */
  readonly policies?: number;
}

export interface TestPatient {
  /** Internal id. */
  readonly id: string;
  readonly partition: string;
}

/** Of an organization. */
export type Person = Pick<Principal, "id" | "roles" | "assurance" | "policies">;

/** One of several processes that serve the same records. */
export interface Replica {
  writer(application: TestApplication): Client<typeof RecordsWriteService>;
  reader(application: TestApplication): Client<typeof RecordsService>;
  clinical(application: TestApplication): Client<typeof ClinicalRecordsService>;
  own(patient: TestPatient): Client<typeof RecordsService>;
}

/** What identity knows, by partition. */
export type PatientRegister = Map<string, { zones: { from?: number; zone: string }[]; erased?: number }>;

export interface WorldOptions {
  readonly folder?: string;
  readonly patients?: PatientRegister;
  /** What each organization forbids its own callers: the texts of its policies. */
  readonly restrictions?: readonly string[];
  readonly resumeEveryMs?: number;
  readonly retireEveryMs?: number;
  readonly compactAfterMs?: number;
  readonly releaseMinimum?: number;
  readonly storageMib?: number;
  readonly series?: number;
  readonly organizationStorageMib?: number;
  readonly organizationSeries?: number;
  readonly saveTotalsEveryMs?: number;
  /** Of records alone: sessions and the log go by the machine's. */
  readonly clock?: Clock;
  /** Of sessions and decisions. */
  readonly enforcerClock?: Clock;
  /** Of the records service. */
  readonly log?: Logger;
  /** Whether the disk has no room for data. */
  readonly readOnly?: () => boolean;
  /** Whether audit takes no entries because its log is damaged. */
  readonly logDamaged?: () => boolean;
  /** Called after each commit that has an event. */
  readonly onEvent?: () => void;
  /** Instead of SQLite in the folder. */
  readonly openStore?: () => Promise<Store>;
}

/** Records with real store, vault, enforcer and log; identity, consent and audit are the least that answers. */
export async function openWorld(options: WorldOptions = {}) {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "wellapi-records-")));
  const closers: (() => Promise<void>)[] = [];
  const kms = await openLocalKms({ path: join(folder, "master.key") });
  const {
    openStore = () =>
      openSqliteStore({
        thread: "callers",
        path: join(folder, "records.db"),
        collections: recordsCollections,
      }),
  } = options;
  const store = faulty(await openStore());
  const keys = await openSqliteStore({
    thread: "callers",
    path: join(folder, "keys.db"),
    collections: vaultCollections,
  });
  const vault = await openVault({ store: keys, kms });
  const pairwise = createPairwise({ secret: await kms.derive("pairwise") });
  const patients: PatientRegister = options.patients ?? new Map();
  const identity = createRouterTransport(({ service }) => {
    service(PolicyDirectoryService, {
      getRestrictions: () => ({
        version: 1n,
        restrictions: (options.restrictions ?? []).map((text, i) => ({ id: `pol_${i}`, reason: "", text })),
      }),
    });
    service(PatientDirectoryService, {
      resolvePatient({ partition }) {
        const patient = patients.get(partition);
        if (patient === undefined) throw new ConnectError("there is none", Code.NotFound);
        return {
          timeZones: patient.zones.map(({ from, zone }) => ({
            timeZone: zone,
            ...(from === undefined ? {} : { startTime: timestampFromMs(from) }),
          })),
          ...(patient.erased === undefined ? {} : { eraseTime: timestampFromMs(patient.erased) }),
        };
      },
      markErased({ partition }) {
        const patient = patients.get(partition)!;
        patient.erased ??= Date.now();
        return { eraseTime: timestampFromMs(patient.erased) };
      },
    });
  });
  const leaves: { partition: string; access: Access }[] = [];
  const intake = createRouterTransport(({ service }) => {
    service(AuditIntakeService, {
      append(request) {
        for (const { partition, body } of request.leaves) {
          leaves.push({ partition, access: fromBinary(AccessSchema, body) });
        }
        return {};
      },
    });
  });
  const accessLog = await openAccessLog({
    store,
    ids: randomIds,
    clock: systemClock,
    sealer: await createLeafSealer({ kms, service: "records" }),
    intake,
    reserve: { path: join(folder, "reserve"), bytes: 64 * 1024 },
    log: silentLogger,
    backoffMs: 10,
  });
  const consent = createFakeConsent();
  const service: Caller = { principal: { kind: "service", id: "records" }, workload: "records", token: "" };
  const consentTransport = createTestTransport({ routes: [consent.route], caller: service });
  const enforcer = openEnforcer({
    transport: consentTransport,
    instance: "test",
    clock: options.enforcerClock ?? systemClock,
    log: silentLogger,
  });
  await enforcer.ready();
  const answers = new Answers(enforcer);
  const receiptKey = await openReceiptKey(kms);
  const pageTokens = createPageTokens(await kms.derive("page-tokens"));
  const files = await openFileJournal({ thread: "callers", folder: join(folder, "journal") });
  const config: RecordsConfig = {
    region: "local",
    ...(options.resumeEveryMs === undefined ? {} : { resumeEveryMs: options.resumeEveryMs }),
    ...(options.retireEveryMs === undefined ? {} : { retireEveryMs: options.retireEveryMs }),
    ...(options.compactAfterMs === undefined ? {} : { compactAfterMs: options.compactAfterMs }),
    ...(options.releaseMinimum === undefined ? {} : { releaseMinimum: options.releaseMinimum }),
    ...(options.storageMib === undefined ? {} : { storageMib: options.storageMib }),
    ...(options.series === undefined ? {} : { series: options.series }),
    ...(options.organizationStorageMib && { organizationStorageMib: options.organizationStorageMib }),
    ...(options.organizationSeries && { organizationSeries: options.organizationSeries }),
    ...(options.saveTotalsEveryMs && { saveTotalsEveryMs: options.saveTotalsEveryMs }),
  };
  const deps: RecordsDeps = {
    store,
    vault,
    pairwise,
    enforcer,
    answers,
    accessLog: { ...accessLog, ...(options.logDamaged && { logDamaged: options.logDamaged }) },
    ...(options.readOnly && { readOnly: options.readOnly }),
    journal: { journal: await createJournal({ repository: files, kms }) },
    identity,
    consent: consentTransport,
    pageTokens,
    terminology: shippedTerminology,
    receiptKey,
    clock: options.clock ?? systemClock,
    ids: randomIds,
    ...(options.onEvent === undefined ? {} : { relay: { notify: options.onEvent } }),
    log: options.log ?? silentLogger,
  };
  closers.push(
    () => enforcer.close(),
    () => accessLog.close(),
    () => files.close(),
    () => vault.close(),
    () => store.close(),
    () => keys.close(),
    () => kms.close(),
  );
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    for (const closer of closers) await closer();
  };
  onTestFinished(async () => {
    await close();
    await rm(folder, { recursive: true, force: true });
  });
  const records = await openRecordsService(config, deps);
  closers.unshift(() => records.close());

  function callerOf({ application, ...limits }: TestApplication, workload: string): Caller {
    return { principal: { kind: "application", id: application, ...limits }, workload, token: "" };
  }

  function callerAtWork(organization: string, person: Person): Caller {
    return { principal: { kind: "member", organization, ...person }, workload: "door", token: "" };
  }

  return {
    folder,
    store,
    vault,
    pairwise,
    pageTokens,
    callerOf,
    consent,
    receiptKeys: receiptKey.jwks,
    patients,
    leaves,
    close,
    /** Another replica of records, with a connection of its own to the same store; it ends with the test. */
    async openReplica(more: { store: Store; signals: PeerSignals; lookEveryMs: number }): Promise<Replica> {
      const { store: own, signals, lookEveryMs } = more;
      const replica = await openRecordsService({ ...config, lookEveryMs }, { ...deps, store: own, signals });
      closers.unshift(() => replica.close());
      const transport = (application: TestApplication, workload: string) =>
        createTestTransport({ routes: replica.routes, caller: callerOf(application, workload) });
      return {
        writer: (application) =>
          createClient(RecordsWriteService, namingMethod(transport(application, "ingestion"))),
        reader: (application) => createClient(RecordsService, transport(application, "door")),
        clinical: (application) => createClient(ClinicalRecordsService, transport(application, "door")),
        own: ({ id, partition }) => {
          const caller: Caller = {
            principal: { kind: "patient", id, partition },
            workload: "door",
            token: "",
          };
          return createClient(RecordsService, createTestTransport({ routes: replica.routes, caller }));
        },
      };
    },
    /** Waits until the log has every leaf, and gives the accesses. */
    async accesses(): Promise<Access[]> {
      await accessLog.drained();
      return leaves.map(({ access }) => access);
    },
    patient(zones: { from?: number; zone: string }[] = [{ zone: "Europe/Berlin" }]): TestPatient {
      const id = randomIds.next("pat");
      const partition = `local/${id}`;
      patients.set(partition, { zones });
      return { id, partition };
    },
    /** The patient's id as the organization knows it. */
    /** How the organization knows what came with a commit. */
    batchFor: async ({ organization }: TestApplication, { partition }: TestPatient, sequence: number) =>
      pairwise.outward(organization, await withBox(vault, partition, (box) => box.commitId(sequence))),
    idFor: ({ organization }: TestApplication, { id }: TestPatient) => pairwise.outward(organization, id),
    ownId: ({ id }: TestPatient) => pairwise.outward("installation", id),
    outerId: ({ organization }: TestApplication, id: string) => pairwise.outward(organization, id),
    /** The internal id behind one of the organization's. */
    innerId: ({ organization }: TestApplication, id: string) => pairwise.inward(organization, "rec", id)!,
    grant: (patient: TestPatient, terms: TestConsent) => consent.grant(patient.partition, terms),
    dispute: ({ partition }: TestPatient, disputed: readonly Dispute[]) =>
      consent.dispute(partition, disputed),
    writer: (application: TestApplication) =>
      createClient(
        RecordsWriteService,
        namingMethod(
          createTestTransport({ routes: records.routes, caller: callerOf(application, "ingestion") }),
        ),
      ),
    /** Commit sequence of the last batch of a patient. */
    async sequenceOf({ partition }: TestPatient): Promise<number> {
      return (await store.get<Head>("heads", [partition]))?.document.sequence ?? 0;
    },
    reader: (application: TestApplication) =>
      createClient(
        RecordsService,
        createTestTransport({ routes: records.routes, caller: callerOf(application, "door") }),
      ),
    /** The same by the FHIR surface. */
    fhirReader: (application: TestApplication) =>
      createClient(
        RecordsService,
        createTestTransport({ routes: records.routes, caller: callerOf(application, "fhir") }),
      ),
    /** A person of the organization at work. */
    member: (organization: string, person: Person) =>
      createClient(
        RecordsService,
        createTestTransport({ routes: records.routes, caller: callerAtWork(organization, person) }),
      ),
    /** Clinical records, as a person of the organization sees them at work. */
    clinicalMember: (organization: string, person: Person) =>
      createClient(
        ClinicalRecordsService,
        createTestTransport({
          routes: records.routes,
          selfValidating: clinicalSelfValidating,
          caller: callerAtWork(organization, person),
        }),
      ),
    /** Clinical records, as an application sees them. */
    clinical: (application: TestApplication) =>
      createClient(
        ClinicalRecordsService,
        createTestTransport({
          routes: records.routes,
          selfValidating: clinicalSelfValidating,
          caller: callerOf(application, "door"),
        }),
      ),
    /** Clinical records, as the patient sees them. */
    ownClinical: ({ id, partition }: TestPatient, more: Pick<Principal, "actor" | "hides"> = {}) =>
      createClient(
        ClinicalRecordsService,
        createTestTransport({
          routes: records.routes,
          caller: { principal: { kind: "patient", id, partition, ...more }, workload: "door", token: "" },
        }),
      ),
    /** What organizations see, shown to the patient. */
    previews: ({ id, partition }: TestPatient, more: Pick<Principal, "actor" | "hides"> = {}) =>
      createClient(
        PreviewService,
        createTestTransport({
          routes: records.routes,
          caller: { principal: { kind: "patient", id, partition, ...more }, workload: "door", token: "" },
        }),
      ),
    /** By way of the surface that makes the archive. */
    ownExports: ({ id, partition }: TestPatient, more: Pick<Principal, "actor"> = {}) =>
      createClient(
        ExportService,
        createTestTransport({
          routes: records.routes,
          caller: { principal: { kind: "patient", id, partition, ...more }, workload: "fhir", token: "" },
        }),
      ),
    /** `actor`: who acts in the patient's name. */
    own: ({ id, partition }: TestPatient, actor?: Actor, hides?: readonly string[]) =>
      createClient(
        RecordsService,
        createTestTransport({
          routes: records.routes,
          caller: {
            principal: { kind: "patient", id, partition, ...(actor && { actor }), ...(hides && { hides }) },
            workload: "door",
            token: "",
          },
        }),
      ),
  };
}

/** As ingestion does: a request names the public method that was called. */
function namingMethod(transport: Transport): Transport {
  const called: Readonly<Record<string, string>> = {
    appendSeries: "CreateSeries",
    appendObservations: "CreateObservations",
  };
  return {
    ...transport,
    unary(method, signal, timeoutMs, header, message, contextValues) {
      const name = `wellapi.ingestion.v1.IngestionService/${called[method.localName] ?? method.name}`;
      return transport.unary(method, signal, timeoutMs, header, { method: name, ...message }, contextValues);
    },
  };
}

export type World = Awaited<ReturnType<typeof openWorld>>;

export function application(): TestApplication {
  return { organization: randomIds.next("org"), application: randomIds.next("app") };
}

/** A maker that may contribute and a clinic that may read for treatment. */
export async function openScene(terms: Partial<TestConsent> = {}, options: WorldOptions = {}) {
  const world = await openWorld(options);
  const maker = application();
  const clinic = application();
  const patient = world.patient();
  const contribution = await world.grant(patient, {
    organization: maker.organization,
    direction: Direction.CONTRIBUTE,
    codes: [HEART_RATE, STEPS, WEIGHT, "85354-9", "sleep-stage"],
  });
  const consent = await world.grant(patient, {
    organization: clinic.organization,
    direction: Direction.READ,
    codes: [HEART_RATE, WEIGHT, "85354-9", "sleep-stage"],
    ...terms,
  });
  return { world, maker, clinic, patient, consent, contribution };
}

type SeriesInit = MessageInitShape<typeof SeriesSchema>;

/** Heart rates at a period, from `start` on. */
export function heartRates(start: number, values: readonly number[], periodMs = 60_000) {
  return {
    code: { code: HEART_RATE },
    unit: "/min",
    device: { identifier: "serial-1", model: "Band" },
    times: {
      start: { case: "startTime" as const, value: timestampFromMs(start) },
      utcOffsetMinutes: 120,
      spacing: { case: "periodMs" as const, value: periodMs },
    },
    values: { case: "decimals" as const, value: { mantissas: [...values] } },
  };
}

/** Sends a batch of series. */
export async function append(
  { world, maker, patient }: { world: World; maker: TestApplication; patient: TestPatient },
  requestId: string,
  series: readonly SeriesInit[],
) {
  const batch = { requestId, patient: world.idFor(maker, patient), series: [...series] };
  const { receipt } = await world.writer(maker).appendSeries({ batch });
  return receipt!;
}

export interface TestQuery {
  readonly code?: string;
  readonly from?: number;
  readonly to?: number;
  readonly unit?: string;
  readonly digits?: number;
  readonly purpose?: Purpose;
}

export function queryInit(patient: string, query: TestQuery) {
  const { code = HEART_RATE, from, to, unit = "", digits, purpose = Purpose.TREATMENT } = query;
  return {
    patient,
    code: { code, system: code === "sleep-stage" ? SLEEP_STAGE_SYSTEM : "" },
    purpose,
    unit,
    ...(digits === undefined ? {} : { digits }),
    interval: {
      ...(from === undefined ? {} : { startTime: timestampFromMs(from) }),
      ...(to === undefined ? {} : { endTime: timestampFromMs(to) }),
    },
  };
}

/** All samples of a stream of reading, as [time, value, unit]. */
export async function readAll(
  { world, clinic, patient }: { world: World; clinic: TestApplication; patient: TestPatient },
  query: TestQuery = {},
) {
  const samples: [number, number][] = [];
  for await (const { payload } of world
    .reader(clinic)
    .readSeries(queryInit(world.idFor(clinic, patient), query))) {
    if (payload.case === "series") samples.push(...samplesOf(payload.value.series!));
  }
  return samples;
}

/** The samples of a message of decimals. */
export function samplesOf(series: {
  times?: {
    start: { case?: string | undefined; value?: unknown };
    spacing: { case?: string | undefined; value?: unknown };
  };
  values: { case?: string | undefined; value?: unknown };
}): [number, number][] {
  const { scale, mantissas } = series.values.value as { scale: number; mantissas: number[] };
  const { seconds, nanos } = series.times!.start.value as { seconds: bigint; nanos: number };
  const { spacing } = series.times!;
  let time = Number(seconds) * 1_000 + nanos / 1e6;
  return mantissas.map((mantissa, i) => {
    if (i > 0) {
      time +=
        spacing.case === "periodMs"
          ? (spacing.value as number)
          : (spacing.value as { gapsMs: number[] }).gapsMs[i - 1]!;
    }
    return [time, mantissa / 10 ** scale];
  });
}

/** The reason of an error of a call. */
export async function reasonOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return problemOf(ConnectError.from(error)).reason;
  }
  return "OK";
}

/** The bytes of every file under a folder. */
export async function allBytes(folder: string): Promise<Buffer> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Buffer.concat(await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name)))));
}
