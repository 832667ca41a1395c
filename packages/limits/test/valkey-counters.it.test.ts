import { setTimeout } from "node:timers/promises";
import { createLogger, silentLogger } from "@wellapi/runtime";
import { Valkey } from "iovalkey";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Counters } from "../src/index.ts";
import { openValkeyCounters } from "../src/valkey-counters.ts";
import { describeCounters, inOneWindow } from "./contract.ts";
import { findValkey, openValkeyServer } from "./valkey-server.ts";

const tool = await findValkey();
const server = tool && (await openValkeyServer(tool));
afterAll(() => server?.close());

/** Whole seconds: the server counts in these. */
const windowSeconds = 1;
/** A test that stalls for a moment must not take the server for one that is away. */
const patience = { answerMs: 15_000, silentMs: 15_000 };
const opened: Counters[] = [];

function open(options: Partial<Parameters<typeof openValkeyCounters>[0]> = {}): Counters {
  const counters = openValkeyCounters({
    url: server!.url,
    installation: "test",
    windowSeconds,
    log: silentLogger,
    patience,
    ...options,
  });
  opened.push(counters);
  return counters;
}

/** Resolves once another process's units count, which says that the connection is up. */
async function connected(counters: Counters, other: Counters): Promise<void> {
  await vi.waitFor(
    async () => {
      const key = `probe ${Math.random()}`;
      await other.add(key, 9, 1);
      expect(await counters.take(key, 1, 1)).toMatchObject({ allowed: false });
    },
    { timeout: 15_000, interval: 20 },
  );
}

async function openTwo(options: Parameters<typeof open>[0] = {}): Promise<readonly [Counters, Counters]> {
  const pair = [open(options), open(options)] as const;
  await connected(...pair);
  return pair;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((counters) => counters.close()));
});

describe.skipIf(!server)("counters on Valkey", () => {
  let counters: Counters;
  beforeEach(async () => {
    [counters] = await openTwo();
  });
  describeCounters(
    () => ({ counters, passWindow: () => setTimeout(windowSeconds * 1_000 + 100) }),
    windowSeconds,
  );
});

describe.skipIf(!server)("several replicas on Valkey", () => {
  test("share one budget", async () => {
    const [one, two] = await openTwo();
    const taken = await inOneWindow(windowSeconds, () => {
      const key = `shared ${Date.now()}`;
      return Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? one : two).take(key, 1, 10)));
    });
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(10);
  });

  test("of two installations do not", async () => {
    const [one] = await openTwo();
    const [other] = await openTwo({ installation: "another" });
    await one.add("key", 9, 1);
    expect(await other.take("key", 1, 1)).toMatchObject({ allowed: true });
  });

  test("leave no names on the server", async () => {
    const [one] = await openTwo({ installation: "named", windowSeconds: 60 });
    await one.take("patient pat_canary", 1, 1);
    const client = new Valkey(server!.url.replace("valkey:", "redis:"));
    const keys = await client.keys("wellapi:named*");
    client.disconnect();
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.join()).not.toContain("canary");
  });
});

describe.skipIf(!server)("Valkey away", () => {
  function listening(): { readonly lines: string[]; readonly log: ReturnType<typeof createLogger> } {
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(JSON.parse(line).msg as string) };
    return { lines, log: createLogger({ name: "test", env: { WELLAPI_LOG_LEVEL: "info" }, destination }) };
  }

  test("killed: each process counts by itself, one line says so, and one that it is over", async () => {
    const { lines, log } = listening();
    const [one, two] = await openTwo({ log });
    await server!.kill();
    for (const counters of [one, two]) {
      const taken = await inOneWindow(windowSeconds, async () => {
        const key = `alone ${Date.now()}`;
        const allowed: boolean[] = [];
        for (let i = 0; i < 8; i++) allowed.push((await counters.take(key, 1, 5)).allowed);
        return allowed;
      });
      expect(taken).toEqual([true, true, true, true, true, false, false, false]);
    }
    await setTimeout(700); // tries to connect fail several times meanwhile
    await server!.start();
    await connected(one, two);
    await vi.waitFor(() => expect(lines).toHaveLength(4), { timeout: 15_000 });
    const lost = "budgets are counted by each process alone: Valkey is not reached";
    const back = "budgets are counted for all replicas again";
    expect(lines.toSorted()).toEqual([lost, lost, back, back].toSorted());
  });

  test("frozen: a call waits for it a moment, later calls not at all", async () => {
    const { lines, log } = listening();
    const [one, two] = await openTwo({ log, patience: { answerMs: 250, silentMs: 500 } });
    server!.freeze();
    try {
      expect(await one.take(`frozen ${Date.now()}`, 1, 5)).toMatchObject({ allowed: true, remaining: 4 });
      await vi.waitFor(() => expect(lines).toHaveLength(1), { timeout: 15_000 });
      // Not ready: a thousand calls, which would each wait, are answered from here.
      const taken = await Promise.all(
        Array.from({ length: 1_000 }, (_, i) => one.take(`frozen ${i} ${Date.now()}`, 1, 5)),
      );
      expect(taken.every(({ allowed, remaining }) => allowed && remaining === 4)).toBe(true);
    } finally {
      server!.thaw();
    }
    await connected(one, two);
  });

  test("never there: calls are counted, and a start does not wait", async () => {
    const { lines, log } = listening();
    const counters = open({ url: "valkey://127.0.0.1:1", log });
    const again = await inOneWindow(windowSeconds, async () => {
      const key = `nowhere ${Date.now()}`;
      await counters.take(key, 1, 1);
      return counters.take(key, 1, 1);
    });
    expect(again).toMatchObject({ allowed: false });
    await vi.waitFor(() => expect(lines).toHaveLength(1), 15_000);
  });
});
