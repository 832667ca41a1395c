import { readFileSync } from "node:fs";
import type { JetStreamTls } from "@wellapi/events";
import { readCorsOrigins } from "@wellapi/gateway";
import type { CertificatePair, WorkloadFiles } from "@wellapi/rpc";
import { type ConfigReader, type Env, parseConfig } from "@wellapi/runtime";
import type { Need, Registry, ServiceDescriptor } from "@wellapi/service";
import { type BudgetSettings, budgetsOf } from "../budgets.ts";
import {
  type ClientCertificateSettings,
  checkForwarder,
  clientCertificatesOf,
  mtlsOriginOf,
} from "../client-certificates.ts";
import { type StreamConfig, settingsOf, streamConfigOf, trustedProxiesOf } from "../config.ts";
import { httpFilesOf, isLoopback } from "../http-certificate.ts";
import { passphraseFileOf } from "../master-key/settings.ts";
import { type TokenSettings, tokenSettingsOf } from "../master-key/token.ts";
import { originOf } from "../origin.ts";
import { services } from "../services.ts";

/** Settings of one service's process. README.md lists them with what each needs. */
export interface ServiceConfig {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly profile: "sandbox" | "production";
  readonly host: string;
  /** Where people and programs reach the gateway. */
  readonly origin: string;
  /** Where clients with a certificate reach the gateway; undefined: nothing asks them for one. */
  readonly mtlsOrigin: string | undefined;
  /** Where other services call; 0 takes a free port. */
  readonly port: number;
  /** gRPC health in plain text, for a probe that has no certificate. */
  readonly healthPort: number | undefined;
  /** `host:port`, one or several for each service. */
  readonly peers: ReadonlyMap<string, readonly string[]>;
  /** The same for services with HTTP surfaces. The gateway calls there. */
  readonly surfacePeers: ReadonlyMap<string, readonly string[]>;
  /** Undefined behind a sidecar, which has the certificates. */
  readonly workload: (WorkloadFiles & { readonly reloadMs: number }) | undefined;
  /** After this long a connection takes no new calls, at the gRPC door and, without a sidecar, between services. */
  readonly connectionAgeMs: number | undefined;
  readonly drainMs: number;
  /** Folder of this process's own files: leaves that wait for the store, the log's tiles. */
  readonly dataDir: string;
  /** For the keys service: folder of the journal, on a separate volume. */
  readonly journalDir: string;
  /** For consent, records and ingestion, the same for each: folder of the installation's own codes and categories. */
  readonly terminologyDir: string | undefined;
  /** A journal to accept although the data knows more entries: `<journal>@<position>`. */
  readonly acceptJournal: string | undefined;
  readonly mongodbUri: string;
  /** Databases are `<prefix>_<service>`. */
  readonly mongodbPrefix: string;
  readonly natsServers: readonly string[];
  /** TLS 1.3 with NATS, with a certificate of the service if one is given. Undefined: plain. */
  readonly natsTls: JetStreamTls | undefined;
  readonly natsReplicas: number;
  /** File of the installation's master key; empty for a service that is not given it. */
  readonly masterKey: string;
  /** File of the passphrase that seals it. */
  readonly passphraseFile: string | undefined;
  /** The token that holds the master key; undefined: a file does. */
  readonly token: TokenSettings | undefined;
  /** The service's own settings. */
  readonly settings: object;
  readonly edges: EdgeConfig | undefined;
  readonly surfaces: SurfacesConfig | undefined;
}

/** For a process that callers from outside reach. */
interface DoorConfig extends StreamConfig {
  readonly credentialCacheMs: number;
  readonly budgets: BudgetSettings;
}

/** For a service with HTTP surfaces. */
export interface SurfacesConfig extends DoorConfig {
  /** Where the gateway calls; 0 takes a free port. */
  readonly port: number;
}

/** For the edge's process only. */
export interface EdgeConfig extends DoorConfig {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly corsOrigins: readonly string[];
  /** Proxies in front of the gateway whose `x-forwarded-for` is believed. */
  readonly trustedProxies: number;
  /** Names by which providers call the door; its certificate holds them. */
  readonly doorHosts: readonly string[];
  /** The door's certificate from elsewhere (cert-manager); absent: identity signs one. */
  readonly doorFiles: { readonly certificate: string; readonly privateKey: string } | undefined;
  /** The gateway's certificate and key; undefined: plain HTTP. */
  readonly httpFiles: CertificatePair | undefined;
  readonly clientCertificates: ClientCertificateSettings;
}

const hour = 3_600_000;
const grpcPort = 9443;
const surfacePort = 9080;
/** The needs that a process with the master key answers itself. */
const byMasterKey: readonly Need[] = ["keys", "vault", "journal", "access_log"];

/** Throws ConfigError with every problem at once. */
export function parseServiceConfig(name: string, env: Env, registry: Registry = services): ServiceConfig {
  const service = registry.service(name);
  const { needs, store, compose } = service;
  return parseConfig(env, (reader) => {
    const sidecar = reader.enum("WELLAPI_SIDECAR", ["none", "istio"] as const, "none") === "istio";
    const profile = reader.enum("WELLAPI_PROFILE", ["sandbox", "production"] as const, "production");
    const namespace = reader.string("WELLAPI_NAMESPACE", "wellapi");
    const origin = usualOriginOf(reader, profile);
    return {
      trustDomain: reader.string("WELLAPI_TRUST_DOMAIN", "wellapi.local"),
      namespace,
      profile,
      origin,
      mtlsOrigin: otherOriginOf(reader, profile, origin),
      host: hostOf(reader, service, sidecar),
      port: reader.port("WELLAPI_PORT", grpcPort),
      healthPort: env.WELLAPI_HEALTH_PORT ? reader.port("WELLAPI_HEALTH_PORT") : undefined,
      peers: peersOf(reader, "WELLAPI_PEERS", grpcPort, namespace, registry.names),
      surfacePeers: peersOf(reader, "WELLAPI_SURFACE_PEERS", surfacePort, namespace, withSurfaces(registry)),
      workload: sidecar
        ? undefined
        : {
            certificate: reader.path("WELLAPI_WORKLOAD_CERT", "/var/run/wellapi/workload/tls.crt"),
            privateKey: reader.path("WELLAPI_WORKLOAD_KEY", "/var/run/wellapi/workload/tls.key"),
            authority: reader.path("WELLAPI_WORKLOAD_CA", "/var/run/wellapi/workload/ca.crt"),
            reloadMs: reader.int("WELLAPI_WORKLOAD_RELOAD_MS", { fallback: 10_000, min: 50, max: hour }),
          },
      connectionAgeMs:
        reader.int("WELLAPI_CONNECTION_AGE_MS", { fallback: hour / 2, min: 0, max: 24 * hour }) || undefined,
      drainMs: reader.int("WELLAPI_DRAIN_MS", { fallback: 10_000, min: 0, max: hour }),
      dataDir: reader.path("WELLAPI_DATA_DIR", "./data"),
      journalDir: reader.path("WELLAPI_JOURNAL_DIR", `${reader.path("WELLAPI_DATA_DIR", "./data")}/journal`),
      terminologyDir: reader.optional("WELLAPI_TERMINOLOGY_DIR"),
      acceptJournal: reader.optional("WELLAPI_ACCEPT_JOURNAL"),
      mongodbUri: store ? secret(reader, env, "WELLAPI_MONGODB_URI") : "",
      mongodbPrefix: reader.string("WELLAPI_MONGODB_PREFIX", "wellapi"),
      natsServers: needs.includes("events") ? reader.list("WELLAPI_NATS_URL", ["nats://localhost:4222"]) : [],
      natsTls: needs.includes("events") ? natsTlsOf(reader, env) : undefined,
      natsReplicas: reader.int("WELLAPI_NATS_REPLICAS", { fallback: 3, min: 1, max: 5 }),
      masterKey: holdsMasterKey(service) ? masterKeyOf(reader) : "",
      token: holdsMasterKey(service) ? tokenSettingsOf(reader) : undefined,
      passphraseFile: holdsMasterKey(service) ? passphraseFileOf(reader) : undefined,
      settings: settingsOf(service, reader),
      edges: compose ? undefined : edgesOf(reader, env, profile),
      surfaces: service.surfaces?.length
        ? { port: reader.port("WELLAPI_SURFACE_PORT", surfacePort), ...doorOf(reader, env) }
        : undefined,
    };
  });
}

function usualOriginOf(reader: ConfigReader, profile: "sandbox" | "production"): string {
  const set = originOf(reader);
  if (set !== undefined) return set;
  return profile === "sandbox"
    ? `http://localhost:${reader.port("WELLAPI_HTTP_PORT", 7080)}`
    : `https://${reader.string("WELLAPI_TRUST_DOMAIN", "wellapi.local")}`;
}

/** Every process has to know where the gateway's listener is reached: identity names it to clients. */
function otherOriginOf(
  reader: ConfigReader,
  profile: "sandbox" | "production",
  origin: string,
): string | undefined {
  const settings = clientCertificatesOf(reader);
  const { port } = settings;
  const opened = port && profile === "sandbox" ? `https://localhost:${port}` : undefined;
  const found = mtlsOriginOf(settings, { origin, opened });
  if (port !== undefined && found === undefined)
    reader.problem("WELLAPI_MTLS_ORIGIN is not set: with WELLAPI_MTLS_PORT, clients are told where it is");
  return found;
}

/** Empty where a token holds it. `WELLAPI_MASTER_KEY` is the setting's name of versions before. */
function masterKeyOf(reader: ConfigReader): string {
  if (reader.optional("WELLAPI_PKCS11_MODULE")) return "";
  const [name, before] = ["WELLAPI_MASTER_KEY_FILE", "WELLAPI_MASTER_KEY"];
  return reader.path(reader.optional(name) || !reader.optional(before) ? name : before);
}

/** Whether the service's process gets the installation's master key; no other process has it. */
export function holdsMasterKey({ needs }: ServiceDescriptor): boolean {
  return needs.some((need) => byMasterKey.includes(need));
}

/**
 * Behind a sidecar the caller's name is a header, so only the sidecar may reach the port. The edge takes no such
 * calls.
 */
function hostOf(reader: ConfigReader, { compose }: ServiceDescriptor, sidecar: boolean): string {
  const guarded = sidecar && compose !== undefined;
  const host = reader.string("WELLAPI_HOST", guarded ? "127.0.0.1" : "0.0.0.0");
  if (guarded && !isLoopback(host)) {
    reader.problem("WELLAPI_HOST is not valid: with WELLAPI_SIDECAR=istio expected a loopback address");
  }
  return host;
}

/** `records=10.0.0.7:9443,records=10.0.0.8:9443,consent=...`; a service that is not named has its usual name. */
function peersOf(
  reader: ConfigReader,
  setting: string,
  usualPort: number,
  namespace: string,
  serviceNames: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const named = reader.list(setting, []).map((item) => /^([a-z]+)=(\S+:\d{1,5})$/.exec(item));
  if (named.some((item) => item === null || !serviceNames.some((name) => name === item[1]))) {
    reader.problem(
      `${setting} is not valid: expected <service>=<host>:<port> with commas between, of ${serviceNames.join(", ")}`,
    );
  }
  return new Map(
    serviceNames.map((service) => {
      const addresses = named.filter((item) => item?.[1] === service).map((item) => item![2]!);
      return [
        service,
        addresses.length > 0 ? addresses : [`${service}.${namespace}.svc.cluster.local:${usualPort}`],
      ];
    }),
  );
}

function edgesOf(reader: ConfigReader, env: Env, profile: "sandbox" | "production"): EdgeConfig {
  const files = env.WELLAPI_DOOR_CERT || env.WELLAPI_DOOR_KEY;
  const clientCertificates = clientCertificatesOf(reader);
  const trustedProxies = trustedProxiesOf(reader);
  checkForwarder(clientCertificates, trustedProxies, reader);
  return {
    grpcPort: reader.port("WELLAPI_GRPC_PORT", 7443),
    httpPort: reader.port("WELLAPI_HTTP_PORT", 7080),
    httpFiles: httpFilesOf(reader),
    clientCertificates,
    trustedProxies,
    corsOrigins: readCorsOrigins(reader, profile),
    ...doorOf(reader, env),
    doorHosts: reader.list("WELLAPI_DOOR_HOSTS", []),
    doorFiles: files
      ? { certificate: reader.path("WELLAPI_DOOR_CERT"), privateKey: reader.path("WELLAPI_DOOR_KEY") }
      : undefined,
  };
}

function doorOf(reader: ConfigReader, env: Env): DoorConfig {
  return {
    ...streamConfigOf(reader),
    credentialCacheMs: reader.int("WELLAPI_CREDENTIAL_CACHE_MS", { fallback: 0, min: 0, max: 60_000 }),
    budgets: budgetsOf(reader, env),
  };
}

function withSurfaces(registry: Registry): readonly string[] {
  return registry.services.filter(({ surfaces }) => surfaces?.length).map(({ name }) => name);
}

function natsTlsOf(reader: ConfigReader, env: Env): JetStreamTls | undefined {
  const pair = env.WELLAPI_NATS_CERT || env.WELLAPI_NATS_KEY;
  if (!pair && !env.WELLAPI_NATS_CA) return undefined;
  return {
    caFile: reader.path("WELLAPI_NATS_CA"),
    ...(pair && { certFile: reader.path("WELLAPI_NATS_CERT"), keyFile: reader.path("WELLAPI_NATS_KEY") }),
  };
}

/** A secret setting may be in the file that `<NAME>_FILE` names. */
function secret(reader: ConfigReader, env: Env, name: string): string {
  if (env[name] || !env[`${name}_FILE`]) return reader.string(name);
  try {
    return readFileSync(reader.path(`${name}_FILE`), "utf8").trim();
  } catch {
    reader.problem(`${name}_FILE is not valid: the file cannot be read`);
    return "";
  }
}
