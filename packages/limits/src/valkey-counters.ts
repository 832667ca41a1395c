import { createHash } from "node:crypto";
import type { Logger } from "@wellapi/runtime";
import { Valkey } from "iovalkey";
import { RateLimiterMemory, RateLimiterValkey } from "rate-limiter-flexible";
import type { Counters } from "./counters.ts";
import { byQuota, take } from "./memory-counters.ts";

/** As the library's own, which calls `server`: that only Valkey knows, and Redis knows this. */
const incrementScript = `
redis.call('set', KEYS[1], 0, 'EX', ARGV[2], 'NX')
local consumed = redis.call('incrby', KEYS[1], ARGV[1])
return {consumed, redis.call('pttl', KEYS[1])}
`;

export interface ValkeyOptions {
  /** `valkey://`, `redis://`, or `rediss://` for TLS; with user and password where the server wants them. */
  readonly url: string;
  /** The authority of the server's certificate, PEM; that of the system unless given. */
  readonly authority?: string;
  /** Keeps installations apart that share a server. */
  readonly installation: string;
  /** Whole seconds: the server counts in these. */
  readonly windowSeconds: number;
  readonly log: Logger;
  /** 250 ms and 500 ms unless given. */
  readonly patience?: ValkeyPatience;
}

export interface ValkeyPatience {
  /** A call waits for the server no longer than this; then it is counted here. */
  readonly answerMs: number;
  /** A server that says nothing for so long, while it is asked, is given up: the connection ends and is made again. */
  readonly silentMs: number;
}

const usualPatience: ValkeyPatience = { answerMs: 250, silentMs: 500 };
const connectMs = 2_000;
const longestRetryMs = 2_000;

/**
 * Counts for all replicas together, on Valkey or Redis. While the server does not answer, each process counts by itself with
 * the whole quota, so that a caller may spend once a replica; one line says so, and one that it is over. The server
 * holds digests of keys and counts, each until its window ends: nothing that tells who calls.
 */
export function openValkeyCounters(options: ValkeyOptions): Counters {
  const { installation, windowSeconds, log } = options;
  const client = connect(options);
  const stopTelling = tellConnection(client, log);
  const limiterOf = byQuota((points) => {
    const window = { points, duration: windowSeconds };
    return new RateLimiterValkey({
      ...window,
      storeClient: client,
      keyPrefix: `wellapi:${installation}`,
      // A key that has spent its quota is refused without asking again.
      inMemoryBlockOnConsumed: points,
      rejectIfValkeyNotReady: true,
      customIncrTtlLuaScript: incrementScript,
      insuranceLimiter: new RateLimiterMemory({ ...window, keyPrefix: "" }),
    });
  });
  return {
    take: (key, units, quota) => take(limiterOf(quota), digest(key), units),
    async add(key, units, quota) {
      await limiterOf(quota).penalty(digest(key), units);
    },
    async close() {
      stopTelling();
      client.disconnect();
    },
  };
}

function connect({ url, authority, patience = usualPatience }: ValkeyOptions): Valkey {
  return new Valkey(url.replace(/^valkey(s?):/, "redis$1:"), {
    ...(authority === undefined ? {} : { tls: { ca: authority } }),
    enableAutoPipelining: true,
    // A call never waits for a connection.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: patience.answerMs,
    socketTimeout: patience.silentMs,
    connectTimeout: connectMs,
    retryStrategy: (attempt) => Math.min(100 * attempt, longestRetryMs),
  });
}

/** Each change of the connection once. */
function tellConnection(client: Valkey, log: Logger): () => void {
  let state: "unknown" | "up" | "down" = "unknown";
  let cause: unknown;
  const ready = (): void => {
    if (state === "down") log.info("budgets are counted for all replicas again");
    state = "up";
  };
  const lost = (): void => {
    if (state !== "down")
      log.warn({ err: cause }, "budgets are counted by each process alone: Valkey is not reached");
    state = "down";
  };
  const failed = (error: unknown): void => {
    cause = error;
  };
  client.on("ready", ready);
  client.on("close", lost);
  client.on("error", failed); // without a listener it would end the process
  return () => {
    client.off("ready", ready);
    client.off("close", lost);
  };
}

function digest(key: string): string {
  return createHash("sha256").update(key).digest("base64url").slice(0, 22);
}
