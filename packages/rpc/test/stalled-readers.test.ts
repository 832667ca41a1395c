import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, createClient, type HandlerContext } from "@connectrpc/connect";
import {
  QuerySeriesRequestSchema,
  ReadSeriesRequestSchema,
  RecordsService,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { silentLogger } from "@wellapi/runtime";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openStallingRelay, type StallingRelay } from "../../../test/stalled/relay.ts";
import {
  type AnswerGuard,
  type Authenticated,
  createUnreadAnswers,
  type Objection,
  openGrpcServer,
  openGrpcTransport,
  patientHeader,
  problemError,
  problemOf,
  serverInterceptors,
  type UnreadAnswersOptions,
} from "../src/index.ts";
import { createTrustingAuthentication, partialRoute } from "../src/testing.ts";
import { createAuthority, type Identity } from "./certificates.ts";

const caller = {
  principal: { kind: "application", id: "app_1", organization: "org_clinic" },
  workload: "door",
  token: "",
} as const;
const read = { patient: "pat_1", code: { code: "8867-4" }, purpose: Purpose.TREATMENT };
const query = toBinary(QuerySeriesRequestSchema, create(QuerySeriesRequestSchema, read));
const request = toBinary(ReadSeriesRequestSchema, create(ReadSeriesRequestSchema, read));
const messageBytes = 100_000;
/** What passes a connection beside data: frames that end streams, settings, pings. */
const framesBytes = 1_000;

/** A guard with one patient, whose consents change as the test says. */
function createGuard() {
  const listeners = new Set<() => void>();
  let objection: Objection | undefined;
  const guard: AnswerGuard = {
    begin: () => ({
      about: () => {},
      objection: () => objection,
      onObjection(listener) {
        listeners.add(listener);
        if (objection !== undefined) listener();
        return () => listeners.delete(listener);
      },
    }),
  };
  return {
    guard,
    listening: () => listeners.size,
    recall() {
      objection = "recalled";
      for (const listener of [...listeners]) listener();
    },
  };
}

/** A caller whose credential is good as long as `recheck` does not throw. */
function renewable(recheck: () => Promise<unknown>): Authenticated {
  const renew = () => recheck().then(() => renewable(recheck));
  return { caller, renew };
}

/** A reader on bytes that takes nothing until it is told to. */
function openRead(session: ClientHttp2Session, method: string, body: Uint8Array) {
  const stream: ClientHttp2Stream = session.request({
    ":method": "POST",
    ":path": `/wellapi.records.v1.RecordsService/${method}`,
    "content-type": "application/grpc",
    te: "trailers",
  });
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  stream.on("error", () => {});
  stream.pause();
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  stream.end(Buffer.concat([head, body]));
  return {
    stream,
    bytes: () => bytes,
    responded: new Promise((resolve) => stream.once("response", resolve)),
    closed: new Promise((resolve) => stream.once("close", resolve)),
  };
}

describe("a reader that takes nothing at the gRPC door", () => {
  let pulled: number;
  /** Of the server. */
  let connections: number;
  let endedBy: unknown;
  let finished: boolean;
  let consents: ReturnType<typeof createGuard>;
  let relay: StallingRelay;
  let connectWith: (windowBytes: number) => ClientHttp2Session;
  let clientIdentity: Identity;
  let serverAuthority: string;

  async function open(
    unread: UnreadAnswersOptions = {},
    recheck?: () => Promise<unknown>,
    bytes = messageBytes,
  ) {
    pulled = 0;
    connections = 0;
    endedBy = undefined;
    finished = false;
    consents = createGuard();
    const named = ({ responseHeader }: HandlerContext) => responseHeader.set(patientHeader, "local/pat_1");
    const access = "a".repeat(bytes);
    const routes = [
      partialRoute(RecordsService, {
        querySeries(_request, context) {
          named(context);
          return { access };
        },
        async *readSeries(_request, context) {
          named(context);
          context.signal.addEventListener("abort", () => {
            endedBy = context.signal.reason;
          });
          try {
            for (; pulled < 1_000; pulled++) yield { payload: { case: "start" as const, value: { access } } };
          } finally {
            finished = true;
          }
        },
      }),
    ];
    const authority = await createAuthority("test");
    const [server, client] = [
      await authority.issue({ name: "server" }),
      await authority.issue({ name: "client" }),
    ];
    clientIdentity = client;
    serverAuthority = authority.certificate;
    const trusting = createTrustingAuthentication(caller);
    const opened = await openGrpcServer({
      routes,
      interceptors: serverInterceptors({
        log: silentLogger,
        authentication:
          recheck === undefined
            ? trusting
            : {
                ...trusting,
                recheckMs: 50,
                authenticate: async () => renewable(recheck),
              },
        release: { guard: consents.guard, guards: () => true, unread: createUnreadAnswers(unread) },
      }),
      host: "127.0.0.1",
      port: 0,
      tls: { ...server, clientAuthority: authority.certificate },
      reflection: false,
      bound(listener) {
        listener.on("secureConnection", (socket: Socket) => {
          connections += 1;
          socket.once("close", () => {
            connections -= 1;
          });
        });
        return { weigh: () => {} };
      },
      log: silentLogger,
    });
    onTestFinished(() => opened.close());
    relay = await openStallingRelay(opened.port);
    onTestFinished(() => relay.close());
    connectWith = (windowBytes) => {
      const session = connect(`https://localhost:${relay.port}`, {
        cert: client.certificate,
        key: client.privateKey,
        ca: authority.certificate,
        settings: { initialWindowSize: windowBytes },
      });
      session.on("error", () => {});
      session.once("connect", () => session.setLocalWindowSize(Math.max(windowBytes, 65_535)));
      onTestFinished(() => session.destroy());
      return session;
    };
  }

  /** Resolves when nothing more arrives, and the window of the one stream is full. */
  async function still(windowBytes = 0): Promise<number> {
    for (let before = -1; ; await pause(150)) {
      if (relay.bytes() === before && before > Math.max(framesBytes, windowBytes)) return before;
      before = relay.bytes();
    }
  }

  beforeEach(() => open());

  test("is read for one message ahead, and no more", async () => {
    openRead(connectWith(16_384), "ReadSeries", request);
    await still();
    expect(pulled).toBe(0); // the first is with the connection, and nobody asked for the second
  });

  test("is read for no second message, however small, until it has taken the first", async () => {
    await open({}, undefined, 100);
    const { stream } = openRead(connectWith(0), "ReadSeries", request);
    await still();
    expect(pulled).toBe(0);
    stream.close();
    await expect.poll(() => finished).toBe(true);
  });

  test.each([0, 16_384])(
    "gets nothing once something was taken away, with a window of %i bytes, and its stream alone is reset",
    async (windowBytes) => {
      const session = connectWith(windowBytes);
      const stalled = openRead(session, "ReadSeries", request);
      await stalled.responded;
      const before = await still(windowBytes);
      consents.recall();
      const { stream, closed } = stalled;
      stream.resume();
      await closed;
      expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
      expect(relay.bytes() - before).toBeLessThan(framesBytes);
      expect(session.destroyed).toBe(false);
      await expect.poll(() => finished).toBe(true);
      expect(String(endedBy)).not.toContain("the client cancelled");
      await expect.poll(consents.listening).toBe(0);
    },
  );

  test("gets nothing of a unary answer that waits for its window, either", async () => {
    const session = connectWith(16_384);
    const stalled = openRead(session, "QuerySeries", query);
    const before = await still(16_384);
    consents.recall();
    stalled.stream.resume();
    await stalled.closed;
    expect(stalled.stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    expect(relay.bytes() - before).toBeLessThan(framesBytes);
    expect(consents.listening()).toBe(0);
  });

  test("of its whole connection loses the connection: what waits below HTTP/2 is dropped, too", async () => {
    const session = connectWith(2 ** 30);
    const stalled = openRead(session, "ReadSeries", request);
    stalled.stream.resume();
    await expect.poll(relay.bytes).toBeGreaterThan(10 * messageBytes);
    relay.stall();
    // The kernels' buffers are full when nothing is asked for any more, also on a busy machine.
    for (let same = 0, before = -1; same < 5; before = pulled, await pause(200))
      same = pulled === before ? same + 1 : 0;
    const before = relay.bytes();
    const handed = (pulled + 1) * messageBytes;
    consents.recall();
    relay.resume();
    await stalled.closed;
    await expect.poll(relay.ended).toBe("reset");
    // It is over for who counts connections, too.
    await expect.poll(() => connections).toBe(0);
    // What the relay's own kernel had received. The rest was dropped by the server and its kernel.
    expect(relay.bytes() - before).toBeLessThan((handed - before) / 2);
  });

  test("for too long is ended, and the handler with it", async () => {
    await open({ stalledMs: 200 });
    const { stream, closed } = openRead(connectWith(0), "ReadSeries", request);
    await closed;
    // gRPC's RESOURCE_EXHAUSTED.
    expect(stream.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    await expect.poll(() => finished).toBe(true);
    expect(problemOf(endedBy as never)).toMatchObject({
      code: Code.ResourceExhausted,
      reason: "READER_STALLED",
    });
  });

  test("for too long is told UNAVAILABLE by our own client, so that a watch opens again", async () => {
    await open({ stalledMs: 200 });
    const { transport, close } = openGrpcTransport({
      address: `localhost:${relay.port}`,
      tls: { ...clientIdentity, serverAuthority },
    });
    onTestFinished(close);
    const messages = createClient(RecordsService, transport).readSeries(read)[Symbol.asyncIterator]();
    await messages.next();
    await expect.poll(() => finished, { timeout: 15_000 }).toBe(true);
    const rest = async () => {
      while ((await messages.next()).done !== true);
    };
    await expect(rest()).rejects.toMatchObject({ code: Code.Unavailable });
  });

  test("beyond its caller's bytes is ended, and a reader that takes goes on", async () => {
    await open({ bytesPerCaller: 3.5 * messageBytes, slowMs: 100 });
    const session = connectWith(16_384);
    const reads = [0, 1, 2].map(() => openRead(session, "ReadSeries", request));
    await still();
    await pause(150);
    const active = openRead(session, "ReadSeries", request);
    active.stream.resume();
    await reads[0]!.closed;
    expect(reads[0]!.stream.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    await expect.poll(active.bytes).toBeGreaterThan(5 * messageBytes);
    expect(active.stream.closed).toBe(false);
  });

  test("loses what waits for it when its credential is refused", async () => {
    let refused = false;
    await open({}, async () => {
      if (refused)
        throw problemError({
          code: Code.Unauthenticated,
          reason: "CREDENTIAL_INVALID",
          message: "revoked",
        });
    });
    const { stream, closed, bytes } = openRead(connectWith(16_384), "ReadSeries", request);
    await still();
    refused = true;
    await closed;
    stream.resume();
    expect(bytes()).toBeLessThan(messageBytes);
    expect(problemOf(endedBy as never).reason).toBe("CREDENTIAL_INVALID");
  });
});
