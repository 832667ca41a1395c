import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError, createClient, createContextValues, type Transport } from "@connectrpc/connect";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Clock, silentLogger, systemClock } from "@wellapi/runtime";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  type Caller,
  callerKey,
  certificateIdentity,
  createAuthentication,
  type GrpcServer,
  openGrpcServer,
  openGrpcTransport,
  openPeerTransport,
  openWorkloadCertificates,
  type PeerIdentity,
  problemOf,
  requestIdKey,
  serverInterceptors,
  sidecarIdentity,
  spiffeIdOf,
  type TokenVerifier,
  type WorkloadCertificates,
} from "../src/index.ts";
import { partialRoute } from "../src/testing.ts";
import { type Authority, createAuthority } from "./certificates.ts";
import { openRelay } from "./relay.ts";

const names = { trustDomain: "wellapi.test" };
const closing: (() => Promise<unknown> | unknown)[] = [];
let authority: Authority;
let stranger: Authority;

beforeAll(async () => {
  authority = await createAuthority("mesh");
  stranger = await createAuthority("another mesh");
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Says who the token's caller is, as identity would have signed it: `<kind>`. */
const verifier: TokenVerifier = {
  verify: async (token, workload) => ({
    principal: { kind: token as Caller["principal"]["kind"], id: "x", partition: "local/x" },
    workload,
    token,
  }),
};

interface Opened {
  readonly server: GrpcServer;
  readonly callers: Caller[];
  readonly end: () => void;
}

/** A server of the mesh, as the service `records`. */
async function open(
  options: {
    port?: number;
    workload?: string;
    peers?: PeerIdentity;
    plain?: boolean;
    ageMs?: number;
    tookMs?: number;
  } = {},
): Promise<Opened> {
  const callers: Caller[] = [];
  const ended = new AbortController();
  const issued = await authority.issue({
    name: "server",
    uri: spiffeIdOf(options.workload ?? "records", names),
  });
  const server = await openGrpcServer({
    routes: [
      partialRoute(PatientDirectoryService, {
        async markErased(_request, context) {
          callers.push(context.values.get(callerKey));
          if (options.tookMs !== undefined) await delay(options.tookMs);
          return {};
        },
      }),
      partialRoute(RecordsService, {
        async *watchSeries(_request, context) {
          callers.push(context.values.get(callerKey));
          yield {};
          await new Promise((resolve) => {
            for (const signal of [ended.signal, context.signal]) signal.addEventListener("abort", resolve);
          });
          yield {};
        },
      }),
    ],
    interceptors: serverInterceptors({
      log: silentLogger,
      authentication: createAuthentication({ verifier, clock: systemClock }),
    }),
    host: "127.0.0.1",
    port: options.port ?? 0,
    ...(options.plain ? {} : { tls: { ...issued, clientAuthority: authority.certificate } }),
    peers: options.peers ?? certificateIdentity(names),
    limits: options.ageMs === undefined ? {} : { connectionAgeMs: options.ageMs },
    reflection: false,
    log: silentLogger,
  });
  closing.push(() => server.close());
  return { server, callers, end: () => ended.abort() };
}

/** Certificates that the test changes by hand. */
async function certificates(workload: string, by = authority) {
  const listeners = new Set<Parameters<WorkloadCertificates["onChange"]>[0]>();
  const issue = async () => {
    const issued = await by.issue({ name: workload, uri: spiffeIdOf(workload, names) });
    return { ...issued, authority: authority.certificate };
  };
  let current = await issue();
  return {
    current: () => current,
    onChange: (listener: Parameters<WorkloadCertificates["onChange"]>[0]) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {},
    async renew() {
      current = await issue();
      for (const listener of listeners) listener(current);
    },
  };
}

function peer(addresses: string[], own: WorkloadCertificates, workload = "records") {
  const opened = openPeerTransport({ addresses, tls: { certificates: own, names, workload } });
  closing.push(opened.close);
  return opened.transport;
}

/** For the workloads consent and records, by themselves. */
function mark(transport: Transport, more: Record<string, string> = {}) {
  const client = createClient(PatientDirectoryService, transport);
  return client.markErased(
    { partition: "local/x" },
    { headers: { authorization: "Bearer service", ...more } },
  );
}

/** For the edges, on behalf of a patient. */
function watch(transport: Transport, signal?: AbortSignal) {
  const client = createClient(RecordsService, transport);
  const request = { patient: "pat_1", codes: [{ code: "8867-4" }], purpose: Purpose.PATIENT_REQUEST };
  const headers = { authorization: "Bearer patient" };
  return client.watchSeries(request, { headers, ...(signal && { signal }) })[Symbol.asyncIterator]();
}

async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return problemOf(ConnectError.from(error)).reason;
  }
  throw new Error("it was not refused");
}

describe("a connection that was forgotten on its way", () => {
  test("is given up by its pings, though streams are open on it, and another is made", async () => {
    const { server } = await open();
    const relay = await openRelay(`127.0.0.1:${server.port}`);
    closing.push(relay.close);
    const transport = peer([relay.address], await certificates("gateway"));
    const stream = watch(transport);
    await stream.next();
    relay.forget();
    // The system's own limit is a quarter of an hour, the test's a minute.
    await expect(stream.next()).rejects.toMatchObject({ code: Code.Unavailable });
    expect((await watch(transport).next()).done).toBe(false);
  });
});

describe("who calls, by the certificate", () => {
  test("the service account in it is the workload", async () => {
    const { server, callers } = await open();
    await mark(peer([`127.0.0.1:${server.port}`], await certificates("consent")));
    expect(callers.map(({ workload }) => workload)).toEqual(["consent"]);
  });

  test("another service than the contract names is refused", async () => {
    const { server, callers } = await open();
    const call = mark(peer([`127.0.0.1:${server.port}`], await certificates("ingestion")));
    expect(await refusal(call)).toBe("CALLER_NOT_PERMITTED");
    expect(callers).toEqual([]);
  });

  test("a certificate that names no service is an outsider's, whatever header comes with it", async () => {
    const { server, callers } = await open();
    const provider = await authority.issue({ name: "x", uri: "spiffe://wellapi.test/org/o/app/a/cred/c" });
    const opened = openGrpcTransport({
      address: `localhost:${server.port}`,
      tls: { ...provider, serverAuthority: authority.certificate },
    });
    closing.push(opened.close);
    const forged = { "x-forwarded-client-cert": `URI=${spiffeIdOf("records", names)}` };
    expect(await refusal(mark(opened.transport, forged))).toBe("CREDENTIAL_REQUIRED");
    expect(callers).toEqual([]);
  });

  test("a forged header does not make one service another", async () => {
    const { server } = await open();
    const transport = peer([`127.0.0.1:${server.port}`], await certificates("ingestion"));
    const forged = { "x-forwarded-client-cert": `URI=${spiffeIdOf("records", names)}` };
    expect(await refusal(mark(transport, forged))).toBe("CALLER_NOT_PERMITTED");
  });

  test("another mesh's certificate, and none, get no handshake", async () => {
    const { server, callers } = await open();
    const foreign = peer([`127.0.0.1:${server.port}`], await certificates("records", stranger));
    await expect(mark(foreign)).rejects.toMatchObject({ code: Code.Unavailable });
    const none = openGrpcTransport({
      address: `localhost:${server.port}`,
      tls: { serverAuthority: authority.certificate },
    });
    closing.push(none.close);
    await expect(mark(none.transport)).rejects.toBeInstanceOf(ConnectError);
    expect(callers).toEqual([]);
  });

  test("a server that is another service than was called is not talked to", async () => {
    const { server, callers } = await open({ workload: "audit" });
    const call = mark(peer([`127.0.0.1:${server.port}`], await certificates("records")));
    await expect(call).rejects.toMatchObject({ code: Code.Unavailable });
    expect(callers).toEqual([]);
  });
});

describe("who calls, by the sidecar", () => {
  async function plain() {
    const opened = await open({ plain: true, peers: sidecarIdentity(names) });
    const transport = openPeerTransport({ addresses: [`127.0.0.1:${opened.server.port}`] });
    closing.push(transport.close);
    return { ...opened, transport: transport.transport };
  }
  const says = (...workloads: string[]) => ({
    "x-forwarded-client-cert": workloads
      .map((workload) => `By=spiffe://wellapi.test/ns/wellapi/sa/x;URI=${spiffeIdOf(workload, names)}`)
      .join(","),
  });

  test("the last element of its header is the workload", async () => {
    const { transport, callers } = await plain();
    await mark(transport, says("ingestion", "records"));
    expect(callers.map(({ workload }) => workload)).toEqual(["records"]);
  });

  test("what a caller put in front is ignored", async () => {
    const { transport } = await plain();
    expect(await refusal(mark(transport, says("records", "ingestion")))).toBe("CALLER_NOT_PERMITTED");
  });

  test("without the header nobody called", async () => {
    const { transport } = await plain();
    expect(await refusal(mark(transport))).toBe("CREDENTIAL_REQUIRED");
  });
});

test("request id and deadline go along", async () => {
  const seen = Promise.withResolvers<{ requestId: string; timeoutMs: number | undefined }>();
  const issued = await authority.issue({ name: "server", uri: spiffeIdOf("records", names) });
  const server = await openGrpcServer({
    routes: [
      partialRoute(PatientDirectoryService, {
        async markErased(_request, context) {
          seen.resolve({ requestId: context.values.get(requestIdKey), timeoutMs: context.timeoutMs() });
          return {};
        },
      }),
    ],
    interceptors: serverInterceptors({
      log: silentLogger,
      authentication: createAuthentication({ verifier, clock: systemClock }),
    }),
    host: "127.0.0.1",
    port: 0,
    tls: { ...issued, clientAuthority: authority.certificate },
    peers: certificateIdentity(names),
    reflection: false,
    log: silentLogger,
  });
  closing.push(() => server.close());
  const transport = peer([`127.0.0.1:${server.port}`], await certificates("records"));
  const contextValues = createContextValues().set(requestIdKey, "request-of-the-door");
  await createClient(PatientDirectoryService, transport).markErased(
    { partition: "local/x" },
    { contextValues, timeoutMs: 60_000, headers: { authorization: "Bearer service" } },
  );
  const { requestId, timeoutMs } = await seen.promise;
  expect(requestId).toBe("request-of-the-door");
  expect(timeoutMs).toBeGreaterThan(30_000);
  expect(timeoutMs).toBeLessThanOrEqual(60_000);
});

describe("several addresses", () => {
  test("take calls in turn, and one that is gone is left out, also for calls that must not be repeated", async () => {
    const first = await open();
    const second = await open();
    const own = await certificates("records");
    const transport = peer([`127.0.0.1:${first.server.port}`, `127.0.0.1:${second.server.port}`], own);
    for (let i = 0; i < 10; i++) await mark(transport);
    expect([first.callers.length, second.callers.length]).toEqual([5, 5]);
    await first.server.close();
    for (let i = 0; i < 10; i++) await mark(transport);
    expect(second.callers).toHaveLength(15);
  });

  test("one that keeps its connection and answers nothing any more costs one call", async () => {
    const first = await open();
    const second = await open();
    let stuck = false;
    let swallowed = 0;
    const between = createServer((client) => {
      const onward = connect(second.server.port, "127.0.0.1");
      for (const socket of [client, onward]) closing.push(() => void socket.destroy());
      client.on("data", (chunk) => {
        if (stuck) swallowed += 1;
        else onward.write(chunk);
      });
      onward.on("data", (chunk) => stuck || client.write(chunk));
    }).listen(0, "127.0.0.1");
    await once(between, "listening");
    closing.push(() => void between.close());
    const { port } = between.address() as AddressInfo;
    const transport = peer(
      [`127.0.0.1:${first.server.port}`, `127.0.0.1:${port}`],
      await certificates("records"),
    );
    for (let i = 0; i < 4; i++) await mark(transport);
    expect(second.callers).toHaveLength(2);
    stuck = true;
    const unanswered: string[] = [];
    for (let i = 0; i < 10; i++) {
      const [asked, lost] = [first.callers.length, swallowed];
      const call = createClient(PatientDirectoryService, transport).markErased(
        { partition: "local/x" },
        { headers: { authorization: "Bearer service" }, timeoutMs: 700 },
      );
      await call.catch(async (error) => {
        // One that the other server gets was late because this process stood still.
        await expect.poll(() => first.callers.length > asked || swallowed > lost).toBe(true);
        if (first.callers.length === asked) unanswered.push(Code[ConnectError.from(error).code]!);
      });
    }
    expect(unanswered).toEqual(["DeadlineExceeded"]);
  });

  test("one that comes back takes calls again", async () => {
    const first = await open();
    const { port } = first.server;
    const transport = peer([`127.0.0.1:${port}`], await certificates("records"));
    await mark(transport);
    await first.server.close();
    await expect(mark(transport)).rejects.toMatchObject({ code: Code.Unavailable });
    const again = await open({ port });
    await mark(transport);
    expect(again.callers).toHaveLength(1);
  });

  test("a name stands for all its addresses", async () => {
    const { server, callers } = await open();
    // `localhost` may also be ::1, where nobody listens.
    const transport = peer([`localhost:${server.port}`], await certificates("records"));
    for (let i = 0; i < 4; i++) await mark(transport);
    expect(callers).toHaveLength(4);
  });
});

describe("a renewed certificate", () => {
  test("is the caller's for new calls, while an open stream goes on under the old one", async () => {
    const { server, callers, end } = await open();
    const own = await certificates("gateway");
    const transport = peer([`127.0.0.1:${server.port}`], own);
    const stream = watch(transport);
    expect((await stream.next()).done).toBe(false);
    await own.renew();
    const other = watch(transport);
    expect((await other.next()).done).toBe(false);
    expect(callers).toHaveLength(2);
    end();
    expect((await stream.next()).done).toBe(false);
    expect((await stream.next()).done).toBe(true);
  });

  test("on the server, reaches new connections; aged ones get no new calls and keep their streams", async () => {
    const { server, callers, end } = await open({ ageMs: 300 });
    const transport = peer([`127.0.0.1:${server.port}`], await certificates("gateway"));
    const stream = watch(transport);
    expect((await stream.next()).done).toBe(false);
    const issued = await authority.issue({ name: "server", uri: spiffeIdOf("records", names) });
    server.reload({ ...issued, clientAuthority: authority.certificate });
    const until = performance.now() + 1_500; // several ages
    let calls = 0;
    while (performance.now() < until) {
      const aborted = new AbortController();
      const brief = watch(transport, aborted.signal);
      expect((await brief.next()).done).toBe(false);
      aborted.abort();
      await expect(brief.next()).rejects.toMatchObject({ code: Code.Canceled });
      calls++;
    }
    expect(callers).toHaveLength(calls + 1);
    end();
    expect((await stream.next()).done).toBe(false);
    expect((await stream.next()).done).toBe(true);
  });

  test("never runs a call twice, nor loses one, however connections age and certificates change", async () => {
    const { server, callers } = await open({ ageMs: 200, tookMs: 20 });
    const own = await certificates("records");
    const transport = peer([`127.0.0.1:${server.port}`], own);
    const until = performance.now() + 1_500;
    let calls = 0;
    const caller = async (): Promise<void> => {
      while (performance.now() < until) {
        await mark(transport);
        calls++;
      }
    };
    const renewing = setInterval(() => void own.renew(), 350);
    try {
      await Promise.all(Array.from({ length: 16 }, caller));
    } finally {
      clearInterval(renewing);
    }
    expect(callers).toHaveLength(calls);
  });

  test("is read from files, once it is whole", async () => {
    const folder = await mkdtemp(join(tmpdir(), "wellapi-workload-"));
    closing.push(() => rm(folder, { recursive: true }));
    const files = {
      certificate: join(folder, "tls.crt"),
      privateKey: join(folder, "tls.key"),
      authority: join(folder, "ca.crt"),
    };
    const first = await authority.issue({ name: "a", uri: spiffeIdOf("records", names) });
    const second = await authority.issue({ name: "b", uri: spiffeIdOf("records", names) });
    await writeFile(files.certificate, first.certificate);
    await writeFile(files.privateKey, first.privateKey);
    await writeFile(files.authority, authority.certificate);
    const refused = Promise.withResolvers<void>();
    const log = { ...silentLogger, warn: () => refused.resolve() };
    await writeFile(files.privateKey, second.privateKey);
    const opening = openWorkloadCertificates({ files, everyMs: 10, log });
    await delay(150);
    await writeFile(files.privateKey, first.privateKey);
    const opened = await opening;
    closing.push(opened.close);
    const changed = Promise.withResolvers<string>();
    opened.onChange(({ certificate }) => changed.resolve(certificate));

    await writeFile(files.privateKey, second.privateKey);
    await refused.promise;
    expect(opened.current().certificate).toBe(first.certificate);
    await writeFile(files.certificate, second.certificate);
    expect(await changed.promise).toBe(second.certificate);
    expect(opened.current()).toMatchObject(second);
  });
});

describe("a stream from inside", () => {
  /** Time that a test moves. */
  function movableClock(): Clock & { move(ms: number): void } {
    let moved = 0;
    return {
      now: () => systemClock.now() + moved,
      monotonic: () => systemClock.monotonic() + moved,
      move: (ms) => {
        moved += ms;
      },
    };
  }

  test("outlives its token: a younger one is there to call on with before the five minutes are over", async () => {
    const clock = movableClock();
    let exchanges = 0;
    const exchanged: string[] = [];
    const authentication = createAuthentication({
      verifier,
      clock,
      recheckMs: 5,
      onward: {
        exchangeCredential: async ({ credential }: { credential: { value: string } }) => {
          exchanged.push(credential.value);
          exchanges++;
          return { token: `younger-${exchanges}` };
        },
      } as never,
    });
    const header = new Headers({ authorization: "Bearer patient" });
    const contextValues = {
      get: () => "gateway",
      set: () => contextValues,
      delete: () => contextValues,
    } as never;
    let { caller, renew } = await authentication.authenticate({ header, contextValues });
    expect(caller.token).toBe("patient");
    clock.move(60_000);
    ({ caller, renew } = await renew!());
    expect(caller.token).toBe("patient");
    clock.move(90_000);
    ({ caller, renew } = await renew!());
    expect(caller.token).toBe("younger-1");
    clock.move(130_000);
    ({ caller, renew } = await renew!());
    expect(caller.token).toBe("younger-2");
    expect(exchanged).toEqual(["patient", "younger-1"]);
  });

  test("of a service on its own behalf has nothing to renew", async () => {
    const authentication = createAuthentication({ verifier, clock: systemClock, onward: {} as never });
    const header = new Headers({ authorization: "Bearer service" });
    const contextValues = { get: () => "records" } as never;
    expect((await authentication.authenticate({ header, contextValues })).renew).toBeUndefined();
  });
});
