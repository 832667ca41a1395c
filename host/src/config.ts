import { readCorsOrigins } from "@wellapi/gateway";
import type { CertificatePair } from "@wellapi/rpc";
import { type ConfigReader, type Env, parseConfig } from "@wellapi/runtime";
import { type Registry, readSettings, type ServiceDescriptor } from "@wellapi/service";
import { type BudgetSettings, budgetsOf } from "./budgets.ts";
import {
  type ClientCertificateSettings,
  checkForwarder,
  clientCertificatesOf,
} from "./client-certificates.ts";
import { httpFilesOf } from "./http-certificate.ts";
import { type MasterKeySettings, masterKeySettingsOf } from "./master-key/settings.ts";
import { originOf } from "./origin.ts";
import { services } from "./services.ts";

/** Settings of a whole exchange in one process. */
export interface ExchangeConfig extends StreamConfig {
  readonly dataDir: string;
  /** Folder of the journal: it records what a restore must not undo. Put it on another disk than the data. */
  readonly journalDir: string;
  readonly masterKey: MasterKeySettings;
  /** Folder of the codes and categories that the installation adds to the shipped ones. */
  readonly terminologyDir: string | undefined;
  /** A journal to accept although the data knows more entries: `<journal>@<position>`. */
  readonly acceptJournal: string | undefined;
  /** Address on which both doors listen. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly grpcPort: number;
  /** 0 takes a free port. */
  readonly httpPort: number;
  /** The gateway's certificate and key; undefined: plain HTTP. */
  readonly httpFiles: CertificatePair | undefined;
  readonly clientCertificates: ClientCertificateSettings;
  /** In the sandbox an operator can issue patients' tokens, and the gRPC door has reflection. */
  readonly profile: "sandbox" | "production";
  /** SPIFFE trust domain of the installation, and the name of its log. */
  readonly trustDomain: string;
  /** Where people and programs reach the gateway; undefined: where it listens. */
  readonly origin: string | undefined;
  /** Origins of web apps that may call the gateway; this machine's by default in the sandbox, else none. */
  readonly corsOrigins: readonly string[];
  readonly budgets: BudgetSettings;
  /** Proxies in front of the gateway whose `x-forwarded-for` is believed. */
  readonly trustedProxies: number;
  /** How long open calls and streams may continue after the process gets its signal to stop, in milliseconds. */
  readonly drainMs: number;
  /** The services' own settings, by their names. */
  readonly settings: ReadonlyMap<string, object>;
}

/** What open streams may cost at the doors of a process, and how long they may live. */
export interface StreamConfig {
  /** How often the credentials of open streams are checked again, in milliseconds. */
  readonly credentialRecheckMs: number;
  /** How long a stream may live, in milliseconds. */
  readonly streamAgeMs: number;
  /** Most open streams of an application. */
  readonly streamsPerApplication: number;
  /** Most open streams of a patient or an operator. */
  readonly streamsPerPerson: number;
}

/**
 * An open stream costs memory (docs/performance.md, P13); a sender of batches does not need hundreds, and a patient's
 * few devices do not need a hundred.
 */
export function streamConfigOf(reader: ConfigReader): StreamConfig {
  const most = { min: 1, max: 1_000_000 };
  return {
    credentialRecheckMs: reader.int("WELLAPI_CREDENTIAL_RECHECK_MS", {
      fallback: 1_500,
      min: 100,
      max: 60_000,
    }),
    streamAgeMs: reader.int("WELLAPI_STREAM_AGE_MS", { fallback: 3_600_000, min: 1_000, max: 3_600_000 }),
    streamsPerApplication: reader.int("WELLAPI_STREAMS_PER_APPLICATION", { fallback: 1_000, ...most }),
    streamsPerPerson: reader.int("WELLAPI_STREAMS_PER_PERSON", { fallback: 100, ...most }),
  };
}

/** 0: the gateway faces its callers, and what they say of their address counts for nothing. */
export function trustedProxiesOf(reader: ConfigReader): number {
  return reader.int("WELLAPI_TRUSTED_PROXIES", { fallback: 0, min: 0, max: 10 });
}

/** The values of the service's own settings: the input of its `compose`. */
export function settingsOf(descriptor: ServiceDescriptor, reader: ConfigReader): object {
  return readSettings(descriptor.settings ?? {}, reader);
}

/** Throws ConfigError with every problem at once. */
export function parseExchangeConfig(env: Env, registry: Registry = services): ExchangeConfig {
  return parseConfig(env, (reader) => read(reader, env, registry));
}

function read(reader: ConfigReader, env: Env, registry: Registry): ExchangeConfig {
  const clientCertificates = clientCertificatesOf(reader);
  const trustedProxies = trustedProxiesOf(reader);
  checkForwarder(clientCertificates, trustedProxies, reader);
  const profile = reader.enum("WELLAPI_PROFILE", ["sandbox", "production"] as const, "sandbox");
  return {
    dataDir: reader.path("WELLAPI_DATA_DIR", "./data"),
    journalDir: reader.path("WELLAPI_JOURNAL_DIR", `${reader.path("WELLAPI_DATA_DIR", "./data")}/journal`),
    masterKey: masterKeySettingsOf(reader),
    terminologyDir: reader.optional("WELLAPI_TERMINOLOGY_DIR"),
    acceptJournal: reader.optional("WELLAPI_ACCEPT_JOURNAL"),
    host: reader.string("WELLAPI_HOST", "127.0.0.1"),
    grpcPort: reader.port("WELLAPI_GRPC_PORT", 7443),
    httpPort: reader.port("WELLAPI_HTTP_PORT", 7080),
    httpFiles: httpFilesOf(reader),
    clientCertificates,
    profile,
    trustDomain: reader.string("WELLAPI_TRUST_DOMAIN", "wellapi.local"),
    origin: originOf(reader),
    corsOrigins: readCorsOrigins(reader, profile),
    budgets: budgetsOf(reader, env),
    trustedProxies,
    ...streamConfigOf(reader),
    drainMs: reader.int("WELLAPI_DRAIN_MS", { fallback: 5_000, min: 0, max: 600_000 }),
    settings: new Map(registry.services.map((one) => [one.name, settingsOf(one, reader)])),
  };
}
