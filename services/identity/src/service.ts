import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { LimitService } from "@wellapi/gen/wellapi/identity/v1/limit_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { BrowserOriginService } from "@wellapi/gen/wellapi/internal/identity/v1/browser_origin_service_pb";
import { EdgeCertificateService } from "@wellapi/gen/wellapi/internal/identity/v1/edge_certificate_service_pb";
import { OrganizationClockService } from "@wellapi/gen/wellapi/internal/identity/v1/organization_clock_service_pb";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { type Route, route } from "@wellapi/rpc";
import type { Logger } from "@wellapi/runtime";
import { createAccesses } from "./accesses.ts";
import { createOrganizationClockHandlers } from "./clocks/organization-clock-handlers.ts";
import type { IdentityConfig, IdentityDeps } from "./config.ts";
import { createCreationOf } from "./creation.ts";
import {
  type CertificateAuthority,
  openCertificateAuthority,
  type ServerCertificate,
} from "./credentials/certificate-authority.ts";
import { createCertificateIssue } from "./credentials/certificate-issue.ts";
import { createCredentialHandlers } from "./credentials/credential-handlers.ts";
import { createEdgeCertificateHandlers } from "./credentials/edge-certificate-handlers.ts";
import { openKeptCredentials } from "./credentials/kept.ts";
import { openLastUses } from "./credentials/last-uses.ts";
import { createLeakNotice } from "./credentials/leak-notice.ts";
import { ensureOperator } from "./credentials/operator.ts";
import { createLimitHandlers } from "./limits/limit-handlers.ts";
import { invitationLink } from "./members/invitation-mail.ts";
import { withOwnClients } from "./oauth/own-clients.ts";
import { openOAuth } from "./oauth/service.ts";
import { createBrowserOriginHandlers } from "./organizations/browser-origin-handlers.ts";
import { createOrganizationHandlers } from "./organizations/organization-handlers.ts";
import type { OrganizationRepository } from "./organizations/organization-repository.ts";
import { createStateChanges } from "./organizations/state-change.ts";
import { createClaimHandlers } from "./patients/claim-handlers.ts";
import { createPatientAccess } from "./patients/patient-access.ts";
import { createPatientDirectoryHandlers, createPatientHandlers } from "./patients/patient-handlers.ts";
import { createTestPatients } from "./patients/test-patients.ts";
import { openPeople } from "./people-room.ts";
import { createCallerPolicies } from "./policies/caller-policies.ts";
import { createPolicyRoom } from "./policies/policy-room.ts";
import { openRepositories } from "./repositories-room.ts";
import { createSandboxHandlers } from "./sandbox-handlers.ts";
import { inviteFirstOperator } from "./staff/first-operator.ts";
import { openCredentialExchange } from "./tokens/open-exchange.ts";
import { openSigningKeys } from "./tokens/signing-keys.ts";
import { createTokenIssuer } from "./tokens/token.ts";
import { createTokenExchangeHandlers, createTokenHandlers } from "./tokens/token-handlers.ts";

export type { IdentityDeps } from "./config.ts";

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
  const { trustDomain, region, profile, origin, mtlsOrigin = nowhere } = config;
  const { store, kms, pairwise, pageTokens, clock, ids, log } = deps;

  const repositories = await openRepositories(deps, config);
  const { organizations, credentials, patients, limits, patientTokens } = repositories;
  const { installationKeys, journal, organizationClocks } = repositories;
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
  const making = { clock, ids, keyUse: profile === "production" ? "live" : "test" } as const;
  const firstOperatorKey = await ensureOperator(store, credentials, making);
  const firstOperatorCode = await inviteFirstOperator({ ...deps, ...repositories });
  const kept = await openKeptCredentials({ ...deps, sealingKey: await kms.derive("identity/answers") });
  const { answers } = kept;
  const changes = { accesses, patientAccess, creationOf, region, ended: ends.tell };
  const people = await openPeople(config, { ...deps, ...repositories, ...changes, answers });
  const policyRoom = createPolicyRoom({ ...deps, ...repositories, ...changes });
  const { memberRoom, delegationRoom, accountRoom, authTime } = people;
  const issuer = { ...withOwnClients(organizations), origin, mtlsOrigin, keys, authority, authTime };
  const oauth = await openOAuth({ ...deps, ...repositories, ...changes, ...issuer });
  const exchange = await openCredentialExchange(config, {
    ...deps,
    ...repositories,
    ...issuer,
    tokens,
    lastUses,
    ...making,
    standings: oauth.standings,
    acting: delegationRoom.lookups,
    directory: memberRoom.directory,
    sessions: accountRoom.sessionExchange,
    policies: createCallerPolicies({ ...repositories, clock }),
  });
  const claiming = { ...deps, ...repositories, ...changes, answers, accountChanges: accountRoom.changes };
  const testPatients = createTestPatients({ patients, sandbox: profile === "sandbox" });
  const patientDeps = { ...deps, ...repositories, ...changes, testPatients };
  return {
    routes: [
      route(
        OrganizationService,
        createOrganizationHandlers({
          ...deps,
          ...repositories,
          ...changes,
          signUp: people.signUp,
          takesCertificates: () => mtlsOrigin() !== undefined,
          states: createStateChanges({ organizations, credentials, journal, clock, ended: ends.tell }),
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
          leakNotice: createLeakNotice({ ...repositories, alerts: people.alerts }),
          sign: createCertificateIssue({ organizations, authority, trustDomain, clock, ids }),
          ...making,
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
      route(PatientDirectoryService, createPatientDirectoryHandlers(patientDeps, delegationRoom.lookups)),
      route(
        TokenService,
        createTokenHandlers({
          ...patientDeps,
          answers,
          tokens,
          keys,
          sandbox: profile === "sandbox",
          revoked: ends.tell,
        }),
      ),
      ...accountRoom.routes,
      route(
        SandboxService,
        createSandboxHandlers({ mailbox: people.mailbox, testPatients, organizationClocks, accesses, clock }),
      ),
      route(OrganizationClockService, createOrganizationClockHandlers(organizationClocks)),
      route(TokenExchangeService, createTokenExchangeHandlers({ exchange, accesses })),
      ...edgeRoutes(authority, organizations),
    ],
    authority: authority.certificate,
    firstOperatorKey,
    ...(firstOperatorCode !== undefined && {
      firstOperatorLink: () => invitationLink(origin(), firstOperatorCode),
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

/** What the edges need on their own behalf. */
function edgeRoutes(
  authority: CertificateAuthority,
  organizations: OrganizationRepository,
): readonly Route[] {
  return [
    route(EdgeCertificateService, createEdgeCertificateHandlers(authority)),
    route(BrowserOriginService, createBrowserOriginHandlers(organizations)),
  ];
}

/** Nothing asks clients for certificates. */
const nowhere = () => undefined;

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
