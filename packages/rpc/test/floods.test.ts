import { setTimeout as pause } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import { Code, createClient } from "@connectrpc/connect";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { createLogger, silentLogger } from "@wellapi/runtime";
import { afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { calls, type Flood, http2Floods } from "../../../test/floods/http2-floods.ts";
import {
  continuation,
  data,
  endHeaders,
  errorCodes,
  type Frames,
  frameTypes,
  headers,
  literal,
  openFrames,
  frame as rawFrame,
  requestBlock,
} from "../../../test/floods/http2-frames.ts";
import {
  type GrpcServer,
  type GrpcServerOptions,
  openGrpcServer,
  openGrpcTransport,
  problemError,
  serverInterceptors,
} from "../src/index.ts";
import { createTrustingAuthentication } from "../src/testing.ts";
import { type Authority, createAuthority, type Identity } from "./certificates.ts";
import { connectRaw, frame } from "./raw-http2.ts";

const path = "/wellapi.records.v1.RecordsService/GetObservation";
const observation = { patient: "pat_1", observation: "obs_1", purpose: Purpose.TREATMENT };
const limits = { idleBytes: 100_000, connectionsPerCertificate: 3, unfinishedCalls: 20, barredSeconds: 60 };

let authority: Authority;
let certificates: { server: Identity; attacker: Identity; neighbour: Identity };
let server: GrpcServer;
let credentialIsRefused = false;
let callsSeen = 0;
const closing: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  authority = await createAuthority("ours");
  const issue = (name: string) => authority.issue({ name });
  certificates = {
    server: await issue("server"),
    attacker: await issue("attacker"),
    neighbour: await issue("neighbour"),
  };
});

afterEach(async () => {
  credentialIsRefused = false;
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(options: Partial<GrpcServerOptions> = {}): Promise<void> {
  const trusting = createTrustingAuthentication({
    principal: { kind: "application", id: "app_1", organization: "org_1" },
    workload: "door",
    token: "t",
  });
  server = await openGrpcServer({
    routes: [{ service: RecordsService, implementation: { getObservation: () => ({ access: "given" }) } }],
    interceptors: serverInterceptors({
      log: silentLogger,
      authentication: {
        ...trusting,
        async authenticate(request) {
          callsSeen += 1;
          if (!credentialIsRefused) return trusting.authenticate(request);
          throw problemError({
            code: Code.Unauthenticated,
            reason: "CREDENTIAL_INVALID",
            message: "the credential is refused",
          });
        },
      },
    }),
    host: "127.0.0.1",
    port: 0,
    tls: { ...certificates.server, clientAuthority: authority.certificate },
    limits: { connections: limits },
    reflection: false,
    log: silentLogger,
    ...options,
  });
  closing.push(() => server.close());
}

async function attack(options?: { acknowledges: boolean }): Promise<Frames> {
  const { certificate: cert, privateKey: key } = certificates.attacker;
  const frames = await openFrames(server.port, { cert, key, ca: authority.certificate }, options);
  closing.push(frames.close);
  return frames;
}

function neighbour(certificate = certificates.neighbour) {
  const { transport, close } = openGrpcTransport({
    address: `localhost:${server.port}`,
    tls: { ...certificate, serverAuthority: authority.certificate },
  });
  closing.push(close);
  return createClient(RecordsService, transport);
}

/** Whether a call on a new connection with the attacker's certificate is answered. */
const servesAttacker = (): Promise<boolean> =>
  neighbour(certificates.attacker)
    .getObservation(observation)
    .then(
      () => true,
      () => false,
    );

/** Sends until the server ends the connection, and at most `most`. */
async function sendAll(frames: Frames, flood: Flood, most: number): Promise<number> {
  let sent = 0;
  for (; sent < most && !frames.isOver() && frames.goaway() === undefined; sent += 10) {
    await frames.send(flood(10));
    await pause(1);
  }
  return sent;
}

describe("a flood ends its connection, and no other", () => {
  test.each([
    ["reset", 2_000, errorCodes.internalError],
    ["ping", 20_000, errorCodes.enhanceYourCalm],
    ["settings", 20_000, errorCodes.enhanceYourCalm],
    ["windowUpdate", 20_000, errorCodes.enhanceYourCalm],
    ["priority", 20_000, errorCodes.enhanceYourCalm],
    ["hpack", 20_000, errorCodes.enhanceYourCalm],
  ] as const)("%s", async (name, most, code) => {
    await open();
    const client = neighbour();
    await client.getObservation(observation);
    const attacker = await attack();
    expect(await sendAll(attacker, http2Floods[name](path), most)).toBeLessThan(most);
    await attacker.ended;
    expect(attacker.goaway()).toBe(code);
    expect(await client.getObservation(observation)).toMatchObject({ access: "given" });
  });

  test("resets end it before they are many calls", async () => {
    await open({ limits: { concurrentStreams: 20, connections: limits } });
    const attacker = await attack();
    callsSeen = 0;
    await sendAll(attacker, http2Floods.reset(path), 2_000);
    await attacker.ended;
    expect(callsSeen).toBeGreaterThan(0);
    // Twice the streams, and what a second or two allow.
    expect(callsSeen).toBeLessThan(200);
  });

  test("continuation", async () => {
    await open();
    const client = neighbour();
    const attacker = await attack();
    expect(await sendAll(attacker, http2Floods.continuation(path), 1_000)).toBeLessThan(100);
    await attacker.ended;
    expect(await client.getObservation(observation)).toMatchObject({ access: "given" });
  });
});

describe("after a flood", () => {
  test("its certificate is refused for a while, others' are not", async () => {
    await open();
    const first = await attack();
    await sendAll(first, http2Floods.reset(path), 2_000);
    await first.ended;
    const again = await attack();
    await again.ended;
    expect(again.goaway()).toBe(errorCodes.enhanceYourCalm);
    expect(await neighbour().getObservation(observation)).toMatchObject({ access: "given" });
  });

  test("its certificate is served again once the while is over", async () => {
    await open({ limits: { connections: { ...limits, barredSeconds: 1 } } });
    const first = await attack();
    await sendAll(first, http2Floods.reset(path), 2_000);
    await first.ended;
    await expect.poll(servesAttacker).toBe(true);
  });
});

test("connections that each bring hundreds of resets at once, of which few become calls, are a flood together", async () => {
  await open({ limits: { connections: { ...limits, unfinishedCalls: 150, barredSeconds: 60 } } });
  const endings: (number | undefined)[] = [];
  for (let n = 0; n < 12 && endings.at(-1) !== errorCodes.enhanceYourCalm; n++) {
    const attacker = await attack();
    await attacker.send(http2Floods.reset(path)(500));
    await attacker.ended;
    endings.push(attacker.goaway());
  }
  expect(endings.at(-1)).toBe(errorCodes.enhanceYourCalm);
  expect(await neighbour().getObservation(observation)).toMatchObject({ access: "given" });
});

test("a flood, and each time that its certificate comes back meanwhile, counts for its address like many connections", async () => {
  const weighed: { address: string; connections: number }[] = [];
  const bound = () => ({
    weigh: (address: string, connections: number) => void weighed.push({ address, connections }),
  });
  await open({ bound });
  await neighbour().getObservation(observation);
  const first = await attack();
  await sendAll(first, http2Floods.reset(path), 2_000);
  await first.ended;
  const again = await attack();
  await again.ended;
  const address = expect.stringContaining("127.0.0.1");
  expect(weighed).toEqual([
    { address, connections: 200 },
    { address, connections: 20 },
  ]);
});

test("the line of a flood has its sender's address as a pseudonym", async () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  await open({ log: createLogger({ name: "test", env: { WELLAPI_LOG_FORMAT: "json" }, destination }) });
  const attacker = await attack();
  await sendAll(attacker, http2Floods.hpack(path), 20_000);
  await attacker.ended;
  const line = lines.find((one) => one.includes("its certificate is refused"));
  expect(JSON.parse(line!)).toMatchObject({ caller_address: expect.any(String) });
  expect(line).not.toContain("127.0.0.1");
});

test("a connection's certificate is read once, whatever is refused", async () => {
  const read = vi.spyOn(TLSSocket.prototype, "getPeerCertificate");
  onTestFinished(() => read.mockRestore());
  await open();
  const client = neighbour();
  await client.getObservation(observation);
  credentialIsRefused = true;
  await expect(client.getObservation(observation)).rejects.toThrow("the credential is refused");
  const byServer = read.mock.contexts.filter(
    (socket) => (socket as { server?: unknown }).server !== undefined,
  );
  expect(byServer).toHaveLength(1);
});

test("one certificate has no more connections than it may", async () => {
  await open();
  const allowed = [await attack(), await attack(), await attack()];
  const beyond = await attack();
  await beyond.ended;
  expect(beyond.goaway()).toBe(errorCodes.enhanceYourCalm);
  expect(allowed.map((one) => one.isOver())).toEqual([false, false, false]);
  allowed[0]!.close();
  await allowed[0]!.ended;
  await expect.poll(servesAttacker).toBe(true);
});

describe("metadata of 64 KB", () => {
  const block = Buffer.concat([
    requestBlock(path),
    ...["a", "b", "c", "d"].map((name) => literal(`x-${name}`, name.repeat(16_000))),
  ]);
  const request = Buffer.concat([
    headers(1, block.subarray(0, 16_384), 0),
    continuation(1, block.subarray(16_384, 32_768)),
    continuation(1, block.subarray(32_768, 49_152)),
    continuation(1, block.subarray(49_152), endHeaders),
  ]);

  test("is refused, and its connection lives", async () => {
    await open();
    const attacker = await attack();
    await attacker.acknowledged;
    await attacker.send(request);
    await expect.poll(() => attacker.resets.get(1)).toBe(errorCodes.enhanceYourCalm);
    expect(attacker.isOver()).toBe(false);
  });

  test("ends the connection of a client that acknowledges no settings", async () => {
    await open();
    const attacker = await attack({ acknowledges: false });
    await attacker.send(request);
    await attacker.ended;
    expect(attacker.goaway()).toBe(errorCodes.enhanceYourCalm);
  });
});

describe("a refused credential", () => {
  test("gets its answer, and its connection ends", async () => {
    await open();
    credentialIsRefused = true;
    const attacker = await attack();
    await attacker.send(calls(path)(1));
    await attacker.ended;
    expect(attacker.goaway()).toBe(0);
  });
});

describe("an honest client", () => {
  test("with large requests and many streams keeps its connection", async () => {
    await open({ limits: { connections: { ...limits, idleBytes: 2_000 } } });
    const { certificate, privateKey } = certificates.neighbour;
    // A client library would replace a connection that was ended.
    const raw = connectRaw(server.port, { certificate, privateKey, authority: authority.certificate });
    closing.push(raw.close);
    for (let round = 0; round < 4; round++) {
      const calls = Array.from({ length: 10 }, () => raw.call(path));
      for (const { stream } of calls) stream.end(frame(Buffer.alloc(800_000)));
      const answers = await Promise.all(calls.map(({ status }) => status));
      // They are read to their end, and refused as too large.
      expect(answers.map((one) => one["grpc-status"])).toEqual(calls.map(() => "8"));
      await pause(300); // One sample at least.
    }
  });

  test("that breaks the protocol as it leaves may come back at once", async () => {
    await open({ limits: { connections: { ...limits, barredSeconds: 60 } } });
    const leaving = await attack();
    const ofNoCall = 999;
    await leaving.send(rawFrame(frameTypes.windowUpdate, 0, ofNoCall, Buffer.from([0, 0, 0, 1])));
    await leaving.ended;
    credentialIsRefused = true;
    const back = await attack();
    await back.send(calls(path)(1));
    await back.ended;
    expect(back.goaway()).toBe(0); // after an answer, and not because of a bar
  });

  test("whose uploads wait for their handlers keeps its connection", async () => {
    const handled = Promise.withResolvers<void>();
    const implementation = {
      async *streamSeries() {
        await handled.promise; // Takes nothing of the request.
        yield {};
      },
    };
    await open({
      limits: { connections: { ...limits, idleBytes: 2_000 } },
      routes: [{ service: IngestionService, implementation }],
    });
    const attacker = await attack();
    for (const id of [1, 3, 5]) {
      await attacker.send(headers(id, requestBlock("/wellapi.ingestion.v1.IngestionService/StreamSeries")));
      await attacker.send(data(id, Buffer.alloc(16_000)));
    }
    await pause(700); // Two samples at least.
    expect(attacker.goaway()).toBeUndefined();
    expect(attacker.isOver()).toBe(false);
    handled.resolve();
  });
});

test("between services a connection with many cancelled calls lives: it carries those of others", async () => {
  await open({ peers: () => "gateway", limits: { concurrentStreams: 10_000 } });
  const gateway = await attack();
  expect(await sendAll(gateway, http2Floods.reset(path), 3_000)).toBe(3_000);
  await pause(500);
  expect(gateway.goaway()).toBeUndefined();
  expect(gateway.isOver()).toBe(false);
});
