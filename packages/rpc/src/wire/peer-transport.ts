import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { PeerCertificate } from "node:tls";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createGrpcTransport, type Http2SessionManager } from "@connectrpc/connect-node";
import { createSessions, wireFailure } from "@wellapi/grpc-client";
import type { WorkloadCertificates } from "../caller/workload-certificates.ts";
import { certificateIdentity, type MeshNames } from "../caller/workload-identity.ts";
import { tracing } from "./grpc-client.ts";
import { type RetryOptions, withRetries } from "./retries.ts";
import { collect, each, hookStream, raceAbort } from "./stream.ts";

export interface PeerTransportOptions {
  /** `host:port`, one or several. A name with several addresses (a headless service) counts as all of them. */
  readonly addresses: readonly string[];
  /**
   * mTLS, TLS 1.3: the own certificate, and the server's required identity. Absent: plain text to a sidecar, which
   * then resolves names and balances.
   */
  readonly tls?: {
    readonly certificates: WorkloadCertificates;
    readonly names: MeshNames;
    /** The service account that the server must have; its host name proves nothing. */
    readonly workload: string;
  };
  /** In both directions; 4 MiB unless given: between services, messages of the door's size are parts of larger ones. */
  readonly messageBytes?: number;
  readonly retries?: RetryOptions;
}

interface Endpoint {
  readonly host: string;
  readonly url: string;
  readonly sessions: Http2SessionManager;
  readonly transport: Transport;
  /** Monotonic milliseconds: the address is not tried before, unless all others are out, too. */
  outUntil: number;
  /** Time of the last answer. Monotonic milliseconds. */
  heardAt: number;
  /** Calls without an answer, the oldest first, with the time of their start. */
  readonly waiting: Set<{ readonly since: number }>;
}

/**
 * A connection that a firewall or a dead machine dropped is given up within 4.5 seconds: sooner than the five-second
 * deadline of services' own calls, so that the next call uses another connection.
 */
const keepAliveMs = 1_500;
const keepAliveTimeoutMs = 3_000;
/** A connection with a replaced certificate gets no new calls and ends this long after its last stream. */
const idleMs = 60_000;
const resolveEveryMs = 15_000;
const outMs = 1_000;
/** A paused or unreachable process keeps its connection open. After this time other addresses are preferred. */
const silentMs = 500;
const silentOutMs = 5_000;
const connectMs = 2_000;
const mostRefusals = 4;

/**
 * Calls another service of the mesh: keep-alive, one connection to each address, calls spread over them in turn,
 * addresses that do not answer left out for a second (five if they keep the connection), retries (`withRetries`). New
 * connections use a renewed certificate; open streams stay on their connection.
 */
export function openPeerTransport(options: PeerTransportOptions): { transport: Transport; close(): void } {
  const { tls, messageBytes = 4 * 1_048_576 } = options;
  const retired = new Set<Http2SessionManager>();
  let endpoints = new Map<string, Endpoint>();
  let resolvedAt = Number.NEGATIVE_INFINITY;
  let resolving: Promise<void> | undefined;
  let turn = 0;
  const stop = tls?.certificates.onChange(() => {
    const kept = [...endpoints.values()];
    endpoints = new Map(kept.map(({ host, url }) => [url, open(host, url)]));
    for (const { sessions } of kept) retire(sessions);
  });

  function open(host: string, url: string): Endpoint {
    const sessions = createSessions(
      url,
      {
        pingIntervalMs: keepAliveMs,
        pingTimeoutMs: keepAliveTimeoutMs,
        idleConnectionTimeoutMs: idleMs,
      },
      tls === undefined ? undefined : secure(tls, host),
    );
    const transport = createGrpcTransport({
      baseUrl: url,
      sessionManager: sessions,
      interceptors: [tracing],
      readMaxBytes: messageBytes,
      writeMaxBytes: messageBytes,
    });
    return { host, url, sessions, transport, outUntil: 0, heardAt: 0, waiting: new Set() };
  }

  /** Its streams continue; it is removed once it has closed. */
  function retire(sessions: Http2SessionManager): void {
    for (const old of retired) if (old.state() === "closed" || old.state() === "error") retired.delete(old);
    retired.add(sessions);
  }

  async function resolve(): Promise<void> {
    const found = (await Promise.all(options.addresses.map((address) => resolveAddress(address)))).flat();
    const next = new Map<string, Endpoint>();
    for (const { host, url } of found) next.set(url, endpoints.get(url) ?? open(host, url));
    for (const [url, { sessions }] of endpoints) if (!next.has(url)) retire(sessions);
    endpoints = next;
    resolvedAt = performance.now();
  }

  async function resolveAddress(address: string): Promise<{ host: string; url: string }[]> {
    const { hostname } = new URL(`http://${address}`);
    const host = hostname.replace(/^\[|\]$/g, "");
    const port = address.slice(address.lastIndexOf(":") + 1);
    const scheme = tls === undefined ? "http" : "https";
    if (tls === undefined || isIP(host)) return [{ host, url: `${scheme}://${address}` }];
    const found = await lookup(host, { all: true });
    return found.map(({ address: ip, family }) => ({
      host,
      url: `${scheme}://${family === 6 ? `[${ip}]` : ip}:${port}`,
    }));
  }

  /** Addresses that answer, in turn, then those that are out. */
  async function candidates(): Promise<readonly Endpoint[]> {
    if (performance.now() - resolvedAt > resolveEveryMs) {
      resolving ??= resolve().finally(() => {
        resolving = undefined;
      });
      // While addresses are known, no call waits for DNS.
      if (endpoints.size === 0)
        await resolving.catch((cause: unknown) => unresolved(options.addresses, cause));
      else resolving.catch(() => {});
    }
    const all = [...endpoints.values()];
    if (all.length === 0) unresolved(options.addresses);
    turn = (turn + 1) % all.length;
    const now = performance.now();
    const out = (endpoint: Endpoint): number => (endpoint.outUntil > now || isSilent(endpoint, now) ? 1 : 0);
    return [...all.slice(turn), ...all.slice(0, turn)].sort((a, b) => out(a) - out(b));
  }

  /**
   * Connects first: a call that never left, or that the server refused unread, may go to another address, also if
   * it has side effects.
   */
  async function through<T>(
    signal: AbortSignal | undefined,
    repeatable: boolean,
    call: (transport: Transport) => Promise<T>,
  ): Promise<T> {
    let last: unknown;
    const all = await candidates();
    const order = [...all, all[0]!];
    for (let at = 0, refusals = 0; at < order.length; at++) {
      const endpoint = order[at]!;
      signal?.throwIfAborted();
      if ((await connected(endpoint.sessions, signal)) === "error") {
        last = endpoint.sessions.error();
        endpoint.outUntil = performance.now() + outMs;
        resolvedAt = Math.min(resolvedAt, performance.now() - resolveEveryMs + outMs); // replicas may have moved
        continue;
      }
      try {
        return await callAndTrack(endpoint, () => call(endpoint.transport), signal);
      } catch (error) {
        const failure = wireFailure(error, signal);
        if (!failure?.refused || !repeatable) throw failure?.error ?? error;
        last = failure.error;
        // Replicas that drain one after another may each refuse a call.
        if (++refusals < mostRefusals && at + 1 === order.length) order.push(all[0]!);
      }
    }
    throw new ConnectError("no address answers", Code.Unavailable, undefined, undefined, last);
  }

  const balanced: Transport = {
    unary: (...call) => through(call[1], true, (transport) => transport.unary(...call)),
    async stream(method, signal, timeoutMs, header, input, values) {
      const single = method.methodKind === "server_streaming";
      const requests = single ? await collect(input) : [];
      const response = await through(signal, single, (transport) =>
        transport.stream(method, signal, timeoutMs, header, single ? each(requests) : input, values),
      );
      const error = (thrown: unknown): unknown => wireFailure(thrown, signal)?.error ?? thrown;
      return { ...response, message: hookStream(response.message, { error }) };
    },
  };
  return {
    transport: withRetries(balanced, options.retries),
    close() {
      stop?.();
      for (const { sessions } of endpoints.values()) sessions.abort();
      for (const sessions of retired) sessions.abort();
    },
  };
}

/** Whether a call has waited for long, and no call was answered since it began. */
function isSilent({ waiting, heardAt }: Endpoint, now: number): boolean {
  const [oldest] = waiting;
  return oldest !== undefined && heardAt < oldest.since && now - oldest.since > silentMs;
}

/** Runs the call, and records whether its address answers. */
async function callAndTrack<T>(
  endpoint: Endpoint,
  call: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const mine = { since: performance.now() };
  endpoint.waiting.add(mine);
  try {
    const answer = await call();
    endpoint.heardAt = performance.now();
    return answer;
  } catch (error) {
    const now = performance.now();
    const givenUp = signal?.aborted === true || ConnectError.from(error).code === Code.DeadlineExceeded;
    if (!givenUp) endpoint.heardAt = now;
    else if (isSilent(endpoint, now)) endpoint.outUntil = now + silentOutMs;
    throw error;
  } finally {
    endpoint.waiting.delete(mine);
  }
}

function secure({ certificates, names, workload }: NonNullable<PeerTransportOptions["tls"]>, host: string) {
  const { certificate, privateKey, authority } = certificates.current();
  const identityOf = certificateIdentity(names);
  return {
    cert: certificate,
    key: privateKey,
    ca: authority,
    minVersion: "TLSv1.3" as const,
    ...(isIP(host) ? {} : { servername: host }),
    checkServerIdentity: (_host: string, { subjectaltname }: PeerCertificate) => {
      const found = identityOf({ subjectAltName: subjectaltname, header: new Headers() });
      if (found === workload) return undefined;
      return new Error(`the server is ${found ?? "no service of this mesh"}, not ${workload}`);
    },
  };
}

async function connected(
  sessions: Http2SessionManager,
  signal: AbortSignal | undefined,
): Promise<"open" | "idle" | "error"> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"error">((resolve) => {
    timer = setTimeout(() => resolve("error"), connectMs);
  });
  try {
    const connecting = Promise.race([sessions.connect(), late]);
    return await (signal === undefined ? connecting : raceAbort(connecting, signal));
  } finally {
    clearTimeout(timer);
  }
}

function unresolved(addresses: readonly string[], cause?: unknown): never {
  throw new ConnectError(
    `${addresses.join(", ")} cannot be found`,
    Code.Unavailable,
    undefined,
    undefined,
    cause,
  );
}
