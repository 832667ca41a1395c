import { randomUUID } from "node:crypto";
import { createClient, type Transport } from "@connectrpc/connect";
import { createLeafSealer, type OpenAccessLog, openAccessLog } from "@wellapi/access-log";
import { auditCollections, openAuditService } from "@wellapi/audit";
import { consentCollections, openConsentService } from "@wellapi/consent";
import { openEnforcer } from "@wellapi/enforcer";
import { embeddedEventsCollections, openEmbeddedEvents, openRelay } from "@wellapi/events";
import { openGatewayService } from "@wellapi/gateway";
import { TokenExchangeService } from "@wellapi/gen/wellapi/identity/v1/token_exchange_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { identityCollections, openIdentityService } from "@wellapi/identity";
import { ingestionSelfValidating, openIngestionService } from "@wellapi/ingestion";
import { openRecordsService, recordsCollections } from "@wellapi/records";
import {
  asCaller,
  asService,
  createAuthentication,
  createPageTokens,
  createTokens,
  createTokenVerifier,
  isPublic,
  openGrpcServer,
  serverInterceptors,
} from "@wellapi/rpc";
import { createClosers, type Logger, randomIds, systemClock } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import { createPairwise, openLocalKms, openVault, vaultCollections } from "@wellapi/vault";
import type { StandaloneConfig } from "./config.ts";
import { prepareDataFolder } from "./data-folder.ts";
import { StandaloneError } from "./errors.ts";
import { createSwitchboard } from "./switchboard.ts";

/** A running exchange. */
export interface Exchange {
  readonly grpcUrl: string;
  readonly httpUrl: string;
  readonly dataDir: string;
  /** The installation's own authority, PEM. */
  readonly authority: string;
  /** Verifies the log's checkpoints. */
  readonly verifierKey: string;
  /** Only at the first start. */
  readonly operatorKey: string | undefined;
  /** Drains the doors, then closes everything in reverse. */
  close(): Promise<void>;
}

const region = "local";
const reserveBytes = 4 * 1024 * 1024;
const drainMs = 5_000;
const renewMs = 24 * 3_600_000;

/** Composes all services in this process, top to bottom. Throws StandaloneError with one line that helps. */
export async function openExchange(config: StandaloneConfig, log: Logger): Promise<Exchange> {
  const closers = createClosers();
  return closers.guard(async () => {
    const clock = systemClock;
    const ids = randomIds;
    const folder = prepareDataFolder(config.dataDir);
    const openStore = async (
      name: string,
      collections: Parameters<typeof folder.open>[1],
    ): Promise<Store> => {
      const store = await folder.open(name, collections);
      closers.push(`store ${name}`, () => store.close());
      return store;
    };

    // Keys.
    const kms = await openLocalKms({ path: folder.masterKey });
    closers.push("kms", () => kms.close());
    const vault = await openVault({ store: await openStore(folder.keyStore, vaultCollections), kms, clock });
    closers.push("vault", () => vault.close());
    const pairwise = createPairwise({ secret: await kms.derive("pairwise") });
    const pageTokens = createPageTokens(await kms.derive("page-tokens"));

    // The network between the services, with the interceptors of the wire.
    const verifier = createTokenVerifier({
      issuer: `https://${config.trustDomain}`,
      jwks: async () => (await createClient(TokenService, unauthenticated("door")).getJwks({})).jwks,
      clock,
    });
    const switchboard = createSwitchboard(
      serverInterceptors({
        log,
        authentication: createAuthentication({ verifier, clock }),
        selfValidating: ingestionSelfValidating,
      }),
    );
    function unauthenticated(workload: string): Transport {
      return switchboard.transport(workload);
    }
    const tokensOf = (workload: string) =>
      createTokens({ exchange: createClient(TokenExchangeService, unauthenticated(workload)), clock });
    const onBehalf = (workload: string) => asCaller(unauthenticated(workload), tokensOf(workload));
    const onOwn = (workload: string) => asService(unauthenticated(workload), tokensOf(workload));

    const openLog = async (service: string, store: Store): Promise<OpenAccessLog> => {
      const accessLog = await openAccessLog({
        store,
        ids,
        clock,
        sealer: await createLeafSealer({ kms, service }),
        intake: onOwn(service),
        reserve: { path: folder.reserve(service), bytes: reserveBytes },
        log,
      });
      closers.push(`access log of ${service}`, () => accessLog.close());
      return accessLog;
    };

    // Services. Audit first: the others write to its log.
    const audit = await openAuditService(
      { trustDomain: config.trustDomain, directory: folder.logFolder },
      { store: await openStore("audit", auditCollections), vault, kms, clock, pageTokens, log },
    );
    closers.push("audit", () => audit.close());
    switchboard.mount(audit.routes);

    const identityStore = await openStore("identity", identityCollections);
    const identity = await openIdentityService(
      { profile: config.profile, trustDomain: config.trustDomain, region },
      {
        store: identityStore,
        vault,
        kms,
        pairwise,
        accessLog: await openLog("identity", identityStore),
        pageTokens,
        clock,
        ids,
        log,
      },
    );
    closers.push("identity", () => identity.close());
    switchboard.mount(identity.routes);

    const consentStore = await openStore("consent", consentCollections);
    const consent = await openConsentService(
      {},
      {
        store: consentStore,
        pairwise,
        accessLog: await openLog("consent", consentStore),
        identity: onOwn("consent"),
        pageTokens,
        clock,
        ids,
        log,
      },
    );
    closers.push("consent", () => consent.close());
    switchboard.mount(consent.routes);

    const events = await openEmbeddedEvents({
      store: await openStore("events", embeddedEventsCollections),
      clock,
    });
    closers.push("events", () => events.close());
    const recordsStore = await openStore("records", recordsCollections);
    const relay = openRelay({
      store: recordsStore,
      events,
      onError: (err) => log.warn({ err }, "events wait in the outbox"),
    });
    closers.push("relay", () => relay.close());
    const enforcer = openEnforcer({ transport: onOwn("records"), instance: randomUUID(), clock, log });
    closers.push("enforcer", () => enforcer.close());
    // A key must not outlive the session under which it was unwrapped.
    enforcer.onRecall((partition) => {
      if (partition === undefined) vault.forgetAll("data");
      else vault.forget(partition);
    });
    const records = await openRecordsService(
      { region, backupRetentionDays: 35 },
      {
        store: recordsStore,
        vault,
        pairwise,
        enforcer,
        accessLog: await openLog("records", recordsStore),
        identity: onOwn("records"),
        consent: onOwn("records"),
        pageTokens,
        clock,
        ids,
        log,
      },
    );
    closers.push("records", () => records.close());
    switchboard.mount(records.routes);

    const ingestion = await openIngestionService({}, { records: onBehalf("ingestion"), clock, log });
    closers.push("ingestion", () => ingestion.close());
    switchboard.mount(ingestion.routes);

    // Doors.
    const doorAuthentication = (workload: "door" | "gateway") => {
      const authentication = createAuthentication({
        verifier,
        clock,
        door: { workload, exchange: createClient(TokenExchangeService, unauthenticated(workload)) },
        recheckMs: config.credentialRecheckMs,
      });
      identity.onCredentialRevoked(authentication.forget);
      return authentication;
    };
    const publicRoutes = [
      ...audit.routes,
      ...identity.routes,
      ...consent.routes,
      ...records.routes,
      ...ingestion.routes,
    ].filter(({ service }) => isPublic(service));
    const doorCertificate = async () => {
      const issued = await identity.issueServerCertificate([config.host]);
      return { certificate: issued.cert, privateKey: issued.key, clientAuthority: issued.ca };
    };
    const tls = await doorCertificate();
    const grpc = await listening("WELLAPI_GRPC_PORT", config.grpcPort, () =>
      openGrpcServer({
        routes: publicRoutes,
        interceptors: serverInterceptors({
          log,
          authentication: doorAuthentication("door"),
          selfValidating: ingestionSelfValidating,
        }),
        host: config.host,
        port: config.grpcPort,
        tls: {
          certificate: tls.certificate,
          privateKey: tls.privateKey,
          clientAuthority: identity.authority,
        },
        reflection: config.profile === "sandbox",
        log,
      }),
    );
    closers.push("gRPC door", () => grpc.drain(drainMs));
    // The door's certificate lives for seven days; a new one every day leaves time to mend a failure.
    const renewal = setInterval(() => {
      doorCertificate().then(grpc.reload, (err: unknown) =>
        log.error({ err }, "the door's certificate was not renewed"),
      );
    }, renewMs);
    closers.push("certificate renewal", () => clearInterval(renewal));

    const gateway = await listening("WELLAPI_HTTP_PORT", config.httpPort, () =>
      openGatewayService(
        {
          host: config.host,
          port: config.httpPort,
          corsOrigins: config.corsOrigins,
          maximumTimeoutMs: 30_000,
          maximumMessageBytes: 1_048_576,
        },
        {
          upstream: unauthenticated("gateway"),
          ready: async () => true,
          authentication: doorAuthentication("gateway"),
          tiles: audit.tiles,
          log,
        },
      ),
    );
    closers.push("gateway", () => gateway.close(drainMs));
    await enforcer.ready();

    return {
      grpcUrl: `https://${urlHost(config.host)}:${grpc.port}`,
      httpUrl: `http://${config.host}:${gateway.port}`,
      dataDir: folder.path,
      authority: identity.authority,
      verifierKey: audit.verifierKey,
      operatorKey: identity.firstOperatorKey,
      close: () => closers.closeAll(),
    };
  });
}

/** A certificate names `localhost`; TLS clients compare names. */
function urlHost(host: string): string {
  return host === "127.0.0.1" || host === "0.0.0.0" ? "localhost" : host;
}

async function listening<T>(setting: string, port: number, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    const taken =
      cause instanceof Error && "code" in cause && /address-in-use|EADDRINUSE/.test(String(cause.code));
    if (!taken) throw cause;
    throw new StandaloneError(
      "port_in_use",
      `port ${port} is taken: stop what listens there, or set ${setting} to another`,
      { cause },
    );
  }
}
