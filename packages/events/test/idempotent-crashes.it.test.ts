import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import type { Step } from "./idempotent-worker.ts";
import { findNatsServer, openNatsServers } from "./nats-server.ts";
import { applied, openTallyStore } from "./tallying.ts";

// A consumer's process kills itself at each step, and another goes on: the store is real, and so is the engine.
const tool = await findNatsServer();
const nats = tool && (await openNatsServers(tool, 1));
afterAll(() => nats?.close());

const IDS = ["p0:e1", "p0:e2", "p1:bad", "p0:e3"];

const engines = nats ? ["embedded", "jetstream"] : ["embedded"];

describe.each(engines)("crashes of an idempotent consumer over %s", (engine) => {
  const steps: readonly Step[] = ["delivered", "decided", "committed"];
  // Of JetStream's own commits the server alone knows.
  const own: readonly Step[] = engine === "embedded" ? [...steps, "acknowledged", "dead"] : steps;

  test.concurrent.each(own)(
    "killed at the step %s: every event is applied once, and the bad one is one dead letter",
    async (step) => {
      const folder = await mkdtemp(join(tmpdir(), "wellapi-idempotent-"));
      const stream = `wellapi-test-${randomUUID()}`;
      const start = async (at: Step) => {
        const arguments_ = [engine, folder, at, nats?.urls[0] ?? "", stream];
        const worker = fork(new URL("./idempotent-worker.ts", import.meta.url), arguments_, { execArgv: [] });
        const decided: string[] = [];
        let dead: readonly string[] = [];
        worker.on("message", (said: { decided?: string; dead?: readonly string[] }) => {
          if (said.decided) decided.push(said.decided);
          dead = said.dead ?? dead;
        });
        const exit = once(worker, "exit");
        await once(worker, "message");
        return { worker, decided, exit, dead: () => dead };
      };
      const first = await start(step);
      first.worker.send(IDS);
      expect(await first.exit).toEqual([null, "SIGKILL"]);
      const second = await start("none");
      // Published again as by a relay that did not learn of the first time.
      second.worker.send([...IDS, "p0:e4"]);
      await vi.waitFor(() => expect(second.decided).toContain("p0:e4"), { timeout: 40_000, interval: 50 });
      await vi.waitFor(
        () => {
          // Publishes nothing, and asks for the dead letters.
          second.worker.send([]);
          expect(second.dead()).toEqual(["p1:bad"]);
        },
        { timeout: 40_000, interval: 200 },
      );
      second.worker.kill("SIGKILL");
      await second.exit;
      const store = await openTallyStore(folder);
      const [ids, bad] = [await applied(store, "p0"), await applied(store, "p1")];
      await store.close();
      expect(ids.slice().sort()).toEqual(["p0:e1", "p0:e2", "p0:e3", "p0:e4"]);
      expect(bad).toEqual([]);
      await rm(folder, { recursive: true });
    },
    90_000,
  );
});
