import { randomUUID } from "node:crypto";
import { copyFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { createClient, createRouterTransport, type Transport } from "@connectrpc/connect";
import { createLeafSealer, openAccessLog } from "@wellapi/access-log";
import { type Access, AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { GrantService } from "@wellapi/gen/wellapi/identity/v1/grant_service_pb";
import { GuardianshipService } from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { LimitService } from "@wellapi/gen/wellapi/identity/v1/limit_service_pb";
import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { PolicyService } from "@wellapi/gen/wellapi/identity/v1/policy_service_pb";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { SignInService } from "@wellapi/gen/wellapi/identity/v1/sign_in_service_pb";
import { StaffService } from "@wellapi/gen/wellapi/identity/v1/staff_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { AuditIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { ConsentDecisionService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import { DeathDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/death_directory_service_pb";
import { EmergencyDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/emergency_directory_service_pb";
import { MemberMailService } from "@wellapi/gen/wellapi/internal/identity/v1/member_mail_service_pb";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import { PatientMailService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_mail_service_pb";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { createJournal, openFileJournal } from "@wellapi/journal";
import { anonymous, type Caller, createPageTokens } from "@wellapi/rpc";
import { createTestTransport } from "@wellapi/rpc/testing";
import { type Clock, createClosers, randomIds, silentLogger } from "@wellapi/runtime";
import { openSqliteStore, type Store } from "@wellapi/store";
import { shippedTerminology } from "@wellapi/terminology";
import { createPairwise, openLocalKms, openVault, vaultCollections } from "@wellapi/vault";
import { onTestFinished } from "vitest";
import { identityCollections, openIdentityService, parseIdentityConfig } from "../src/index.ts";

export const operator: Caller = {
  principal: { kind: "operator", id: "opr_1", credential: "crd_1" },
  workload: "door",
  token: "",
};

/** A clock that tests set. */
export interface TestClock extends Clock {
  time: number;
}

export type Installation = Awaited<ReturnType<typeof createInstallation>>;

/** Identity on real stores, a real vault and a real access log, whose leaves end in `leaves`. */
export async function createInstallation(
  env: Record<string, string> = {},
  /** Instead of SQLite. */
  openStore?: () => Promise<Store>,
) {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-identity-"));
  const clock: TestClock = {
    time: Date.UTC(2026, 10, 25),
    now: () => clock.time,
    monotonic: () => performance.now(),
  };
  const leaves: Array<{ readonly partition: string; readonly access: Access }> = [];
  /** What was mailed. `fails`: the mail server takes nothing. */
  const mailbox = {
    mails: [] as { readonly to: string; readonly text: string; readonly id?: string }[],
    fails: false,
  };
  let authorities: readonly number[] = [];
  let opened = await openAll();
  onTestFinished(async () => {
    await opened.close();
    await rm(folder, { recursive: true });
  });

  async function openAll() {
    const closers = createClosers();
    const kms = await openLocalKms({ path: join(folder, "master.key") });
    closers.push("kms", () => kms.close());
    const keyStore = await openSqliteStore({
      thread: "callers",
      path: join(folder, "keys.db"),
      collections: vaultCollections,
    });
    closers.push("keys", () => keyStore.close());
    const vault = await openVault({ store: keyStore, kms, clock });
    const store = openStore
      ? await openStore()
      : await openSqliteStore({
          thread: "callers",
          path: join(folder, "identity.db"),
          collections: identityCollections,
        });
    closers.push("store", () => store.close());
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
      clock,
      sealer: await createLeafSealer({ kms, service: "identity" }),
      intake,
      reserve: { path: join(folder, "identity.reserve"), bytes: 65_536 },
      log: silentLogger,
    });
    closers.push("access log", () => accessLog.close());
    const pairwise = createPairwise({ secret: await kms.derive("pairwise") });
    const files = await openFileJournal({ thread: "callers", folder: join(folder, "journal"), clock });
    closers.push("journal", () => files.close());
    const journal = await createJournal({ repository: files, kms });
    const service = await openIdentityService(
      {
        ...parseIdentityConfig(env),
        doorOrigins: ["https://api.wellapi.local"],
        authorities,
        origin: () => env.WELLAPI_ORIGIN ?? "https://wellapi.example",
      },
      {
        store,
        vault,
        kms,
        pairwise,
        accessLog,
        journal: { journal },
        terminology: shippedTerminology,
        pageTokens: createPageTokens(await kms.derive("page tokens")),
        mailer: {
          async send(mail) {
            if (mailbox.fails) throw new Error("421 try again later");
            mailbox.mails.push(mail);
          },
        },
        consent: createRouterTransport(({ service }) => {
          service(ConsentDecisionService, {
            getStanding: ({ consents }) => ({ inForce: !consents.includes("con_revoked") }),
          });
        }),
        clock,
        ids: randomIds,
        log: silentLogger,
      },
    );
    closers.push("identity", () => service.close());
    return { service, kms, store, vault, accessLog, pairwise, journal, close: () => closers.closeAll() };
  }

  return {
    clock,
    folder,
    mailbox,
    get service() {
      return opened.service;
    },
    get kms() {
      return opened.kms;
    },
    get store() {
      return opened.store;
    },
    get vault() {
      return opened.vault;
    },
    /** Other services write to it, too. */
    get journal() {
      return opened.journal;
    },
    get pairwise() {
      return opened.pairwise;
    },
    /** `meanwhile` runs while nothing is open; `roots` of the authority are trusted from then on. */
    async reopen(meanwhile?: () => Promise<void>, roots: readonly number[] = []) {
      await opened.close();
      authorities = roots;
      await meanwhile?.();
      opened = await openAll();
    },
    /** Keeps the store as it is now; the journal goes on. Returns how to bring it back. */
    async backup() {
      const database = join(folder, "identity.db");
      const kept = join(folder, `backup-${randomUUID()}.db`);
      await this.reopen(() => copyFile(database, kept));
      return () =>
        this.reopen(async () => {
          for (const end of ["-wal", "-shm"]) await rm(`${database}${end}`, { force: true });
          await copyFile(kept, database);
        });
    },
    /** Every leaf written so far. */
    async leaves() {
      await opened.accessLog.drained();
      return leaves;
    },
    /** Clients whose calls are made by `caller`. */
    as: (caller: Caller) => clients(createTestTransport({ routes: opened.service.routes, caller })),
    /** What a service at `workload` gets for a credential. */
    exchange(workload: string) {
      return clients(
        createTestTransport({ routes: opened.service.routes, caller: { ...anonymous, workload } }),
      ).exchange.exchangeCredential;
    },
    /** The bytes of every file. */
    async files() {
      const found = await readdir(folder, { withFileTypes: true, recursive: true });
      const files = found.filter((entry) => entry.isFile());
      return Promise.all(
        files.map(async ({ name, parentPath }) => ({ name, bytes: await readFile(join(parentPath, name)) })),
      );
    },
  };
}

function clients(transport: Transport) {
  return {
    organizations: createClient(OrganizationService, transport),
    limits: createClient(LimitService, transport),
    members: createClient(MemberService, transport),
    staff: createClient(StaffService, transport),
    credentials: createClient(CredentialService, transport),
    delegations: createClient(DelegationService, transport),
    grants: createClient(GrantService, transport),
    guardianships: createClient(GuardianshipService, transport),
    patients: createClient(PatientService, transport),
    policies: createClient(PolicyService, transport),
    directory: createClient(PatientDirectoryService, transport),
    emergencies: createClient(EmergencyDirectoryService, transport),
    deaths: createClient(DeathDirectoryService, transport),
    memberMail: createClient(MemberMailService, transport),
    patientMail: createClient(PatientMailService, transport),
    tokens: createClient(TokenService, transport),
    exchange: createClient(TokenExchangeService, transport),
    signIn: createClient(SignInService, transport),
    account: createClient(AccountService, transport),
    sandbox: createClient(SandboxService, transport),
  };
}

/** An application of an organization, both new. */
export async function createApplication(installation: Installation) {
  const { organizations } = installation.as(operator);
  const { organization } = await organizations.createOrganization({
    organization: { displayName: "Pulse Makers" },
    requestId: "organization",
  });
  const { application } = await organizations.createApplication({
    application: { organization: organization!.id, displayName: "Sync" },
    requestId: "application",
  });
  return { organization: organization!, application: application! };
}

/** A patient of the test's; `id` is the operator's id for them. */
export async function createPatient(installation: Installation, requestId = "patient") {
  const { patient } = await installation.as(operator).patients.createPatient({
    patient: { displayName: "Ada Canary-Lovelace", timeZones: [{ timeZone: "Europe/Berlin" }] },
    requestId,
  });
  const id = installation.pairwise.inward("installation", "pat", patient!.id)!;
  const caller: Caller = {
    principal: { kind: "patient", id, partition: `local/${id}` },
    workload: "gateway",
    token: "",
  };
  return { patient: patient!, id, partition: `local/${id}`, caller };
}
