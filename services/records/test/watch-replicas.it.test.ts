import { randomBytes, randomUUID } from "node:crypto";
import { type JetStreamEvents, openJetStreamEvents } from "@wellapi/events/jetstream";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { openMongoStore } from "@wellapi/store";
import { afterAll, beforeAll, describe, expect, type OnTestFinishedHandler, test, vi } from "vitest";
import {
  findNatsServer,
  type NatsServers,
  openNatsServers,
} from "../../../packages/events/test/nats-server.ts";
import { type MongoServer, openMongoServer } from "../../../packages/store/test/mongo-server.ts";
import { recordsCollections } from "../src/index.ts";
import { append, HEART_RATE, heartRates, openScene, samplesOf } from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);
const HOUR = 3_600_000;

/** A watch of replica B sees what is written at replica A, over one MongoDB and a real NATS. */
describe("a watch and a commit at different replicas", () => {
  let mongo: MongoServer | undefined;
  let nats: NatsServers | undefined;
  beforeAll(async () => {
    const tool = await findNatsServer();
    mongo = await openMongoServer();
    nats = tool && (await openNatsServers(tool, 1));
  });
  afterAll(async () => {
    await nats?.close();
    await mongo?.stop();
  });

  /** Two replicas; B has an open watch. `lookEveryMs` is that of B. */
  async function openReplicas(lookEveryMs: number, finished: (close: OnTestFinishedHandler) => void) {
    const database = `wellapi_test_${randomBytes(6).toString("hex")}`;
    const { uri } = mongo!;
    const openStore = () => openMongoStore({ uri, database, collections: recordsCollections });
    const stream = `wellapi-test-${randomUUID()}`;
    const openEvents = async () => {
      const events = await openJetStreamEvents({
        servers: nats!.urls,
        stream,
        subjects: [],
        replicas: 1,
        onError: () => undefined,
      });
      finished(() => events.close());
      return events;
    };
    const scene = await openScene({}, { openStore });
    const { world, clinic, maker, patient } = scene;
    // The first commit of a patient makes the key; the watch is about later ones.
    await append(scene, "before", [heartRates(T0 - HOUR, [50])]);
    const replica = async (looks: number) => {
      const [store, events] = [await openStore(), await openEvents()];
      finished(() => store.close());
      return { events, server: await world.openReplica({ store, signals: events, lookEveryMs: looks }) };
    };
    const [a, b] = [await replica(HOUR), await replica(lookEveryMs)];
    const abort = new AbortController();
    finished(() => abort.abort());
    const messages = b.server
      .reader(clinic)
      .watchSeries(
        { patient: world.idFor(clinic, patient), codes: [{ code: HEART_RATE }], purpose: Purpose.TREATMENT },
        { signal: abort.signal },
      )
      [Symbol.asyncIterator]();
    expect((await messages.next()).value?.payload.case).toBe("start");
    return {
      a,
      b,
      /** At replica A. */
      async write(value: number) {
        const series = [heartRates(T0 + value * 60_000, [value])];
        const batch = { requestId: `r${value}`, patient: world.idFor(maker, patient), series };
        await a.server.writer(maker).appendSeries({ batch });
      },
      /** What the watch at replica B delivers next. */
      async next(): Promise<number | undefined> {
        const payload = (await messages.next()).value?.payload;
        return payload?.case === "series" ? samplesOf(payload.value.series!)[0]?.[1] : undefined;
      },
    };
  }

  /** Signals of A reach B: a subscription is known to the server a moment after it was made. */
  async function reached(a: JetStreamEvents, b: JetStreamEvents): Promise<void> {
    const heard = Promise.withResolvers<void>();
    const stop = b.onSignal("probe", { received: () => heard.resolve(), missed: () => undefined });
    const sending = setInterval(() => a.signal("probe", new Uint8Array()), 10);
    await heard.promise;
    clearInterval(sending);
    stop();
  }

  test("a commit arrives by its signal: the next look is an hour away", async (context) => {
    if (!mongo || !nats) return context.skip();
    const { a, b, write, next } = await openReplicas(HOUR, context.onTestFinished);
    await reached(a.events, b.events);
    for (const value of [61, 62, 63]) {
      await write(value);
      expect(await next()).toBe(value);
    }
  }, 60_000);

  test("a commit whose signal is lost arrives by the next look", async (context) => {
    if (!mongo || !nats) return context.skip();
    const { a, write, next } = await openReplicas(100, context.onTestFinished);
    // Nothing leaves A any more.
    await a.events.close();
    await write(61);
    expect(await next()).toBe(61);
  }, 60_000);

  test("commits while NATS is away arrive once it is back, and later ones by their signals", async (context) => {
    if (!mongo || !nats) return context.skip();
    const { a, b, write, next } = await openReplicas(HOUR, context.onTestFinished);
    await reached(a.events, b.events);
    const [server] = nats.servers;
    await server!.kill();
    await vi.waitFor(
      () => expect([a.events.connected(), b.events.connected()]).toEqual([false, false]),
      20_000,
    );
    const arriving = next();
    await write(61);
    await server!.start();
    // B looks when it has a connection again; no signal told it of this one.
    expect(await arriving).toBe(61);
    await vi.waitFor(() => expect(a.events.connected()).toBe(true), 20_000);
    await reached(a.events, b.events);
    await write(62);
    expect(await next()).toBe(62);
  }, 90_000);
});
