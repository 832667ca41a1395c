import { type ConfigReader, type Env, parseConfig } from "@wellapi/runtime";

/** Settings of a whole exchange in one process. */
export interface ExchangeConfig {
  readonly dataDir: string;
  /** Folder of the journal of what a restore must not undo. Put it on another disk than the data. */
  readonly journalDir: string;
  /** Folder of the codes and categories that the installation adds to the shipped ones. */
  readonly terminologyDir: string | undefined;
  /** A journal that is taken as it is although the data knows more: `<journal>@<position>`. */
  readonly acceptJournal: string | undefined;
  /** Entries of the log that are lost for good: `<log>:<published>@<stored>`. */
  readonly acceptLogBreak: string | undefined;
  /** The key of the log that a new one takes the place of: the middle part of its verifier key. */
  readonly rotateLogKey: string | undefined;
  /** Numbers of the authority's roots that are trusted, ascending. None: those that there are. */
  readonly authorities: readonly number[];
  /** Address that both doors listen on. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly grpcPort: number;
  /** 0 takes a free port. */
  readonly httpPort: number;
  /** In the sandbox an operator can issue patients' tokens, and the gRPC door has reflection. */
  readonly profile: "sandbox" | "production";
  /** SPIFFE trust domain of the installation, and the name of its log. */
  readonly trustDomain: string;
  /** Origins of web apps that may call the gateway; none by default. */
  readonly corsOrigins: readonly string[];
  /** How often the credentials of open streams are looked at again, in milliseconds. */
  readonly credentialRecheckMs: number;
  /** How many streams an application may have open at the doors. */
  readonly streamsPerApplication: number;
  /** How long after its arrival a block of samples may be merged with others, in milliseconds. */
  readonly compactAfterMs: number;
  /** Fewest samples that readers of hourly and daily data are told together. */
  readonly releaseMinimum: number;
  /** How long open calls and streams may go on once the process is told to stop, in milliseconds. */
  readonly drainMs: number;
}

/** An open stream costs memory (docs/performance.md, P13); nobody who sends batches needs hundreds. */
export function streamsPerApplicationOf(reader: ConfigReader): number {
  return reader.int("WELLAPI_STREAMS_PER_APPLICATION", { fallback: 1_000, min: 1, max: 1_000_000 });
}

/** Earlier merges more often what arrives all the time; later keeps more of it in small blocks (docs/decisions/0018). */
export function compactAfterMsOf(reader: ConfigReader): number {
  return reader.int("WELLAPI_COMPACT_AFTER_MS", { fallback: 1_800_000, min: 100, max: 86_400_000 });
}

/** Fewer would tell a reader of hourly data single samples; more withholds more (docs/decisions/0021). */
export function releaseMinimumOf(reader: ConfigReader): number {
  return reader.int("WELLAPI_RELEASE_MINIMUM", { fallback: 5, min: 2, max: 1_000 });
}

/** From `WELLAPI_AUTHORITIES`. */
export function authoritiesOf(reader: ConfigReader): readonly number[] {
  const numbers = reader.list("WELLAPI_AUTHORITIES", []).map(Number);
  const ascending = numbers.every((number, i) => number > (numbers[i - 1] ?? 0));
  if (!ascending || !numbers.every((number) => Number.isInteger(number) && number < 1_000)) {
    reader.problem("WELLAPI_AUTHORITIES is not valid: expected numbers of roots, ascending, such as 1,2");
  }
  return numbers;
}

/** Throws ConfigError with every problem at once. */
export function parseExchangeConfig(env: Env): ExchangeConfig {
  return parseConfig(env, (reader) => ({
    dataDir: reader.path("WELLAPI_DATA_DIR", "./data"),
    journalDir: reader.path("WELLAPI_JOURNAL_DIR", `${reader.path("WELLAPI_DATA_DIR", "./data")}/journal`),
    terminologyDir: reader.optional("WELLAPI_TERMINOLOGY_DIR"),
    acceptJournal: reader.optional("WELLAPI_ACCEPT_JOURNAL"),
    acceptLogBreak: reader.optional("WELLAPI_ACCEPT_LOG_BREAK"),
    rotateLogKey: reader.optional("WELLAPI_ROTATE_LOG_KEY"),
    authorities: authoritiesOf(reader),
    host: reader.string("WELLAPI_HOST", "127.0.0.1"),
    grpcPort: reader.port("WELLAPI_GRPC_PORT", 7443),
    httpPort: reader.port("WELLAPI_HTTP_PORT", 7080),
    profile: reader.enum("WELLAPI_PROFILE", ["sandbox", "production"] as const, "sandbox"),
    trustDomain: reader.string("WELLAPI_TRUST_DOMAIN", "wellapi.local"),
    corsOrigins: reader.list("WELLAPI_CORS_ORIGINS", []),
    credentialRecheckMs: reader.int("WELLAPI_CREDENTIAL_RECHECK_MS", {
      fallback: 15_000,
      min: 100,
      max: 60_000,
    }),
    streamsPerApplication: streamsPerApplicationOf(reader),
    compactAfterMs: compactAfterMsOf(reader),
    releaseMinimum: releaseMinimumOf(reader),
    drainMs: reader.int("WELLAPI_DRAIN_MS", { fallback: 5_000, min: 0, max: 600_000 }),
  }));
}
