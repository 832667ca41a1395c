import type { Transport } from "@connectrpc/connect";
import type { AccessLog } from "@wellapi/access-log";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { LimitService } from "@wellapi/gen/wellapi/identity/v1/limit_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { EdgeCertificateService } from "@wellapi/gen/wellapi/internal/identity/v1/edge_certificate_service_pb";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { createFollower, type Follower, type JournalAccess } from "@wellapi/journal";
import { type PageTokens, type Route, route } from "@wellapi/rpc";
import type { Clock, Ids, Logger } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { Terminology } from "@wellapi/terminology";
import type { Kms, Pairwise, Vault } from "@wellapi/vault";
import { type Accesses, createAccesses, replayedAccess } from "./accesses.ts";
import type { AccountRepository } from "./accounts/account-repository.ts";
import { createAccounts, openAccountRoom } from "./accounts/room.ts";
import { collections } from "./collections.ts";
import type { IdentityConfig } from "./config.ts";
import { type CreationOf, createCreationOf } from "./creation.ts";
import { openCertificateAuthority, type ServerCertificate } from "./credentials/certificate-authority.ts";
import { createCertificateIssue } from "./credentials/certificate-issue.ts";
import { lifetimes } from "./credentials/credential.ts";
import { createCredentialHandlers } from "./credentials/credential-handlers.ts";
import { createCredentialRepository } from "./credentials/credential-repository.ts";
import { createEdgeCertificateHandlers } from "./credentials/edge-certificate-handlers.ts";
import { openKeptCredentials } from "./credentials/kept.ts";
import { openLastUses } from "./credentials/last-uses.ts";
import { createLeakNotice } from "./credentials/leak-notice.ts";
import { ensureOperator } from "./credentials/operator.ts";
import type { DelegationRepository } from "./delegations/delegation-repository.ts";
import { createOfferMail } from "./delegations/offer-mail.ts";
import { createDelegationRoom, openDelegationRepository } from "./delegations/room.ts";
import { createInstallationKeyRepository } from "./installation-key-repository.ts";
import { createReplay } from "./journal-entries.ts";
import { createLimitHandlers } from "./limits/limit-handlers.ts";
import { createLimitRepository } from "./limits/limit-repository.ts";
import type { Mailer } from "./mail/mailer.ts";
import { openMailer } from "./mail/open-mailer.ts";
import { createSandboxHandlers } from "./mail/sandbox-handlers.ts";
import { createInvitationMail, invitationLink } from "./members/invitation-mail.ts";
import { STAFF } from "./members/member.ts";
import {
  createMemberRoom,
  createMemberStores,
  type MemberStores,
  openInvitationSweep,
} from "./members/room.ts";
import { withOwnClients } from "./oauth/own-clients.ts";
import { openOAuth } from "./oauth/service.ts";
import { createOrganizationHandlers } from "./organizations/organization-handlers.ts";
import {
  createOrganizationRepository,
  type OrganizationRepository,
} from "./organizations/organization-repository.ts";
import { createStateChanges } from "./organizations/state-change.ts";
import { createClaimCodeRepository } from "./patients/claim-code-repository.ts";
import { createClaimHandlers } from "./patients/claim-handlers.ts";
import { createPatientAccess, type PatientAccess } from "./patients/patient-access.ts";
import { createPatientDirectoryHandlers, createPatientHandlers } from "./patients/patient-handlers.ts";
import { createPatientRepository, type PatientRepository } from "./patients/patient-repository.ts";
import { createCallerPolicies } from "./policies/caller-policies.ts";
import { createPolicyRepository } from "./policies/policy-repository.ts";
import { createPolicyRoom } from "./policies/policy-room.ts";
import { onlyThemselves } from "./sessions/acting.ts";
import { inviteFirstOperator } from "./staff/first-operator.ts";
import { openSweep } from "./sweep.ts";
import { openCredentialExchange } from "./tokens/open-exchange.ts";
import { openPatientTokenRepository } from "./tokens/patient-token-repository.ts";
import { openSigningKeys } from "./tokens/signing-keys.ts";
import { createTokenIssuer } from "./tokens/token.ts";
import { createTokenExchangeHandlers, createTokenHandlers } from "./tokens/token-handlers.ts";

export interface IdentityDeps {
  /** Declares `identityCollections`. */
  readonly store: Store;
  readonly vault: Vault;
  readonly kms: Kms;
  readonly pairwise: Pairwise;
  readonly accessLog: AccessLog;
  /** Outlives the store: revocations are recorded in it, and replayed from it before the service opens. */
  readonly journal: JournalAccess;
  readonly pageTokens: PageTokens;
  /** Instead of the one that the settings name. */
  readonly mailer?: Mailer;
  readonly terminology: Pick<Terminology, "categoriesOf" | "sensitivityOf">;
  /** Reaches consent as the workload `identity` on its own behalf, once that is open. */
  readonly consent: Transport;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
}

export interface IdentityService {
  /**
   * With those for services only (`isPublic` of @wellapi/rpc shows which): never serve these to callers from outside.
   */
  readonly routes: readonly Route[];
  /** The authority's certificate, PEM: verifies providers' certificates and the door's. */
  readonly authority: string;
  /** The operator's API key that this start made, to be shown once; undefined otherwise. */
  readonly firstOperatorKey: string | undefined;
  /** The link by which the first operator joins the staff, once, while there is none. It has a secret. */
  readonly firstOperatorLink?: () => string;
  /** For a door, for 7 days: key, certificate and authority, PEM. `hosts`: names or addresses besides localhost. */
  issueServerCertificate(hosts: readonly string[]): Promise<ServerCertificate>;
  /**
   * Calls the listener for each revoked credential, and for each application or organization that was disabled or
   * deleted, once that is durable and before its call is answered. Returns how to stop.
   */
  onAccessEnded(listener: (id: string) => void): () => void;
  close(): Promise<void>;
}

/** Opens the service; what it was given stays open when it closes. Throws JournalError where the journal is not the store's. */
export async function openIdentityService(
  config: IdentityConfig,
  deps: IdentityDeps,
): Promise<IdentityService> {
  const { trustDomain, region, profile } = config;
  const { store, kms, pairwise, pageTokens, clock, ids, log } = deps;

  const repositories = await openRepositories(deps, profile === "production");
  const { organizations, credentials, patients, limits, patientTokens } = repositories;
  const { installationKeys, journal } = repositories;
  const authority = await openCertificateAuthority({
    repository: installationKeys,
    clock,
    trustDomain,
    roots: config.authorities ?? [],
    log,
  });
  const keys = await openSigningKeys({ repository: installationKeys, journal, clock, log });
  const lastUses = openLastUses({ credentials, log });
  const tokens = createTokenIssuer({ trustDomain, keys, clock });
  const accesses = createAccesses(deps);
  const patientAccess = createPatientAccess(pairwise, region);
  const ends = createEnds(log);
  const creationOf = createCreationOf(await kms.derive("identity/request-ids"));
  const keyLifetime = profile === "production" ? lifetimes.bootstrapKey : lifetimes.operatorKey.default;
  const firstOperatorKey = await ensureOperator(store, credentials, clock, ids, keyLifetime);
  const firstOperatorCode = await inviteFirstOperator({ ...deps, ...repositories });
  const kept = await openKeptCredentials({ ...deps, sealingKey: await kms.derive("identity/answers") });
  const { answers } = kept;
  const changes = { accesses, patientAccess, creationOf, region, ended: ends.tell };
  const people = await openPeople(config, { ...deps, ...repositories, ...changes });
  const policyRoom = createPolicyRoom({ ...deps, ...repositories, ...changes });
  const { memberRoom, delegationRoom, accountRoom } = people;
  const issuer = { ...withOwnClients(organizations), origin: config.origin, keys, authority };
  const oauth = await openOAuth({ ...deps, ...repositories, ...changes, ...issuer });
  const exchange = await openCredentialExchange(config, {
    ...deps,
    ...repositories,
    ...issuer,
    tokens,
    lastUses,
    standings: oauth.standings,
    acting: delegationRoom.lookups,
    directory: memberRoom.directory,
    sessions: accountRoom.sessionExchange,
    policies: createCallerPolicies({ ...repositories, clock }),
  });
  const claiming = { ...deps, ...repositories, ...changes, answers, accountChanges: accountRoom.changes };
  const patientDeps = { accesses, patients, patientAccess, creationOf, pageTokens, clock, ids, region };
  return {
    routes: [
      route(
        OrganizationService,
        createOrganizationHandlers({
          accesses,
          organizations,
          states: createStateChanges({ organizations, credentials, journal, clock, ended: ends.tell }),
          creationOf,
          pageTokens,
          journal,
          clock,
          ids,
          ended: ends.tell,
        }),
      ),
      route(
        CredentialService,
        createCredentialHandlers({
          ...repositories,
          ...kept,
          accesses,
          store,
          pageTokens,
          leakNotice: createLeakNotice({ ...repositories, alerts: accountRoom.alerts }),
          sign: createCertificateIssue({ organizations, authority, trustDomain, clock, ids }),
          clock,
          ids,
          log,
          revoked: ends.tell,
        }),
      ),
      ...memberRoom.routes,
      ...policyRoom.routes,
      delegationRoom.route,
      route(LimitService, createLimitHandlers({ accesses, limits, organizations, clock })),
      ...oauth.routes,
      route(PatientService, { ...createPatientHandlers(patientDeps), ...createClaimHandlers(claiming) }),
      route(PatientDirectoryService, createPatientDirectoryHandlers(patientDeps)),
      route(
        TokenService,
        createTokenHandlers({
          store,
          accesses,
          answers,
          patients,
          patientAccess,
          patientTokens,
          tokens,
          keys,
          pageTokens,
          journal,
          clock,
          ids,
          sandbox: profile === "sandbox",
          revoked: ends.tell,
        }),
      ),
      ...accountRoom.routes,
      route(SandboxService, createSandboxHandlers(people.mailbox)),
      route(TokenExchangeService, createTokenExchangeHandlers({ exchange, accesses })),
      route(EdgeCertificateService, createEdgeCertificateHandlers(authority)),
    ],
    authority: authority.certificate,
    firstOperatorKey,
    ...(firstOperatorCode !== undefined && {
      firstOperatorLink: () => invitationLink(config.origin(), firstOperatorCode),
    }),
    issueServerCertificate: (hosts) => authority.issueServer(hosts),
    onAccessEnded: ends.listen,
    async close() {
      ends.clear();
      await oauth.close();
      keys.close();
      await lastUses.close();
      await people.close();
      await kept.close();
      await patientTokens.close();
      await exchange.close();
      await journal.close();
    },
  };
}

/** Those who sign in: their accounts, and what they are members of. */
async function openPeople(
  config: IdentityConfig,
  deps: Omit<IdentityDeps, "journal"> &
    MemberStores & {
      readonly organizations: OrganizationRepository;
      readonly patients: PatientRepository;
      readonly accounts: AccountRepository;
      readonly patientAccess: PatientAccess;
      readonly delegations: DelegationRepository;
      readonly journal: Follower;
      readonly accesses: Accesses;
      readonly creationOf: CreationOf;
      readonly ended: (id: string) => void;
    },
) {
  const { origin } = config;
  const opened = openMailer(config, deps);
  const mailer = deps.mailer ?? opened.mailer;
  const memberRoom = createMemberRoom({ ...deps, mail: createInvitationMail({ mailer, origin }) });
  const sweep = await openInvitationSweep(deps);
  const claimSweep = await openSweep({ ...deps, collection: collections.claimCodes, keptMs: 0 });
  const delegationRoom = createDelegationRoom({ ...deps, mail: createOfferMail({ mailer, origin }) });
  const accountRoom = await openAccountRoom({
    ...deps,
    lookups: { ...onlyThemselves, ...memberRoom.directory, ...delegationRoom.lookups },
    mailer,
    origin,
    region: config.region,
  });
  return {
    memberRoom,
    delegationRoom,
    accountRoom,
    mailbox: opened.mailbox,
    async close() {
      await sweep.close();
      await claimSweep.close();
      await accountRoom.close();
      opened.close();
    },
  };
}

/** What is stored, once it has everything that the journal says. */
async function openRepositories(deps: IdentityDeps, verifiedOnly: boolean) {
  const { store, vault, kms, pairwise, clock, log } = deps;
  const people = await createMemberStores(store, kms);
  const repositories = {
    organizations: createOrganizationRepository(store, verifiedOnly),
    credentials: createCredentialRepository(store, () => people.members.keeper(STAFF)),
    patients: createPatientRepository(store, vault),
    limits: createLimitRepository(store, clock),
    policies: createPolicyRepository(store, clock),
    patientTokens: await openPatientTokenRepository({ store, clock, log }),
    ...people,
    accounts: await createAccounts(store, kms),
    delegations: await openDelegationRepository(store, vault, kms),
    claims: createClaimCodeRepository(store),
  };
  const installationKeys = createInstallationKeyRepository(store, kms);
  const journal = createFollower({ ...deps.journal, store, log });
  // Before keys are opened: a replaced key must sign nothing any more.
  await journal.start(
    createReplay({
      ...deps,
      ...repositories,
      keys: installationKeys,
      leafOf: (entry) => replayedAccess(pairwise, entry),
    }),
  );
  const rewrapped = await installationKeys.rewrap();
  if (rewrapped > 0)
    log.info({ count: rewrapped }, "keys of the installation were wrapped by the new master key");
  return { ...repositories, installationKeys, journal };
}

/** Those who are told of revocations; one that fails keeps nobody else from being told. */
function createEnds(log: Logger) {
  const listeners = new Set<(id: string) => void>();
  return {
    tell(id: string): void {
      for (const listener of listeners) {
        try {
          listener(id);
        } catch (err) {
          log.error({ err }, "a listener to revocations failed");
        }
      }
    },
    listen(listener: (id: string) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    clear: () => listeners.clear(),
  };
}
