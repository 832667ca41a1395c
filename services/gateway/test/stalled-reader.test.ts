import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { createPacedAnswers, createSendQueues, type PacedAnswers } from "@wellapi/http";
import { type AnswerGuard, createUnreadAnswers, type UnreadAnswers } from "@wellapi/rpc";
import { describe, expect, onTestFinished, test } from "vitest";
import { services } from "../../../host/src/services.ts";
import { openStallingRelay } from "../../../test/stalled/relay.ts";
import { type Handlers, openTestGateway } from "./harness.ts";

const about = { patient: "pat_1", code: { code: "8867-4" }, purpose: "PURPOSE_TREATMENT" };
const watched = { patient: "pat_1", codes: [{ code: "8867-4" }], purpose: "PURPOSE_TREATMENT" };
const messageBytes = 500_000;
const access = "a".repeat(messageBytes);
/** Of an answer that nobody reads, at most: of 20 KB each, which is more than is made for one beside many. */
const mostMade = 30;

/** A guard whose one patient takes something away when the test says so. */
function createGuard() {
  const listeners = new Set<() => void>();
  let recalled = false;
  const objection = () => (recalled ? ("recalled" as const) : undefined);
  const guard: AnswerGuard = {
    begin: () => ({
      about: () => {},
      objection,
      onObjection(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    }),
  };
  return {
    guard,
    listening: () => listeners.size,
    recall() {
      recalled = true;
      for (const listener of [...listeners]) listener();
    },
  };
}

/** What asks for a stream as Connect's JSON over HTTP/1.1. */
function requestOf(method: "ReadSeries" | "WatchSeries", body: object): Buffer {
  const message = Buffer.from(JSON.stringify(body));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  const lines = `POST /wellapi.records.v1.RecordsService/${method} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer wellapi_sk_clinic\r\ncontent-type: application/connect+json\r\nconnect-protocol-version: 1\r\ncontent-length: ${head.length + message.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(lines), head, message]);
}

/** A reader that has stopped taking bytes, behind a relay that counts them. */
async function openStalled(
  method: "ReadSeries" | "WatchSeries",
  handlers: Handlers["records"],
  options: { readonly answers: AnswerGuard; readonly unread?: UnreadAnswers },
) {
  const { gateway, url } = await openTestGateway({ records: handlers! }, options);
  onTestFinished(() => gateway.close());
  const relay = await openStallingRelay(Number(new URL(url).port));
  onTestFinished(() => relay.close());
  const socket = connect(relay.port, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  let tail = "";
  socket.on("data", (chunk) => {
    tail = `${tail}${chunk}`.slice(-2_000);
  });
  socket.write(requestOf(method, method === "WatchSeries" ? watched : about));
  return { relay, tail: () => tail, closed: new Promise((resolve) => socket.once("close", resolve)) };
}

describe("a reader that takes nothing at the gateway", () => {
  function reads() {
    const facts = { pulled: 0 };
    const handlers: Handlers["records"] = {
      async *readSeries() {
        for (; facts.pulled < 1_000; facts.pulled++) {
          yield { payload: { case: "start" as const, value: { access } } };
        }
      },
    };
    return { facts, handlers };
  }

  test("is read ahead for what the connection takes, and gets what had left once something was taken away", async () => {
    const { facts, handlers } = reads();
    const { guard, recall, listening } = createGuard();
    const { relay, closed } = await openStalled("ReadSeries", handlers, {
      answers: guard,
    });
    await expect.poll(relay.bytes, { timeout: 15_000 }).toBeGreaterThan(messageBytes);
    relay.stall();
    // The kernels' buffers are full when nothing is asked for any more, also on a busy machine.
    for (let same = 0, before = -1; same < 4; before = facts.pulled, await pause(150))
      same = facts.pulled === before ? same + 1 : 0;
    expect(facts.pulled).toBeLessThan(100);
    const handed = (facts.pulled + 1) * messageBytes;
    const before = relay.bytes();
    recall();
    relay.resume();
    await closed;
    expect(relay.ended()).toBe("reset");
    expect(relay.bytes() - before).toBeLessThan((handed - before) / 2);
    await expect.poll(listening).toBe(0);
  });

  test("that takes is not cut by a reset: it gets the reason", async () => {
    const { guard, recall } = createGuard();
    const { relay, tail } = await openStalled(
      "WatchSeries",
      {
        async *watchSeries(_request, { signal }) {
          yield { payload: { case: "start" as const, value: { access } } };
          await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        },
      },
      { answers: guard },
    );
    await expect.poll(relay.bytes, { timeout: 15_000 }).toBeGreaterThan(messageBytes);
    await pause(100);
    recall();
    await expect.poll(tail, { timeout: 15_000 }).toContain("CONSENT_CHANGED");
    expect(relay.ended()).toBeUndefined();
  });

  test("for too long loses its connection", async () => {
    const { handlers } = reads();
    const { relay, closed } = await openStalled("ReadSeries", handlers, {
      answers: createGuard().guard,
      unread: createUnreadAnswers({ stalledMs: 1_000 }),
    });
    await expect.poll(relay.bytes, { timeout: 15_000 }).toBeGreaterThan(messageBytes);
    relay.stall();
    await pause(3_000);
    relay.resume();
    await closed;
    expect(relay.ended()).toBe("reset");
  });

  /** A gateway for as many readers as a test wants, whose answers do not end; `made` counts messages by patient. */
  async function openForMany(paced?: PacedAnswers) {
    const made = new Map<string, number>();
    async function* messages(patient: string, most: number, signal: AbortSignal) {
      for (let count = 1; count <= most; count++) {
        made.set(patient, count);
        yield { payload: { case: "start" as const, value: { access: access.slice(0, 20_000) } } };
      }
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }
    const handlers: Handlers["records"] = {
      readSeries: ({ patient }, { signal }) => messages(patient, mostMade, signal),
      watchSeries: ({ patient }, { signal }) => messages(patient, 2, signal),
    };
    const { gateway, url } = await openTestGateway(
      { records: handlers },
      { answers: createGuard().guard, ...(paced && { paced }) },
    );
    onTestFinished(() => gateway.close());
    const open = (method: "ReadSeries" | "WatchSeries", patient: string): Socket => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      socket.on("error", () => {}).pause();
      onTestFinished(() => void socket.destroy());
      socket.write(requestOf(method, { ...(method === "WatchSeries" ? watched : about), patient }));
      return socket;
    };
    return { made, open };
  }

  // Elsewhere nobody tells what the kernel holds.
  test.runIf(process.platform === "linux")(
    "beside many of its caller gets little made for it, and nothing beyond the places of a caller",
    async () => {
      const { made, open } = await openForMany();
      const sockets = Array.from({ length: 38 }, (_, at) => open("ReadSeries", `pat_${at}`));
      await expect.poll(() => made.size, { timeout: 15_000 }).toBe(32);
      const whole = [...made.values()].filter((count) => count === mostMade);
      expect(whole.length).toBeLessThanOrEqual(16);
      for (const socket of sockets.slice(0, 3)) socket.destroy();
      await expect.poll(() => made.size, { timeout: 15_000 }).toBe(35);
    },
  );

  test("waits no longer than half a minute for a place, and is told why; a watch waits only for what it still has to say", async () => {
    const { made, open } = await openForMany(
      createPacedAnswers(createSendQueues(), { perCaller: 1, waitMs: 500 }),
    );
    open("ReadSeries", "pat_unread");
    await expect.poll(() => made.size, { timeout: 15_000 }).toBe(1);
    const tailOf = async (method: "ReadSeries" | "WatchSeries"): Promise<string> => {
      let tail = "";
      const socket = open(method, method).resume();
      socket.on("data", (chunk) => {
        tail = `${tail}${chunk}`.slice(-2_000);
      });
      await expect.poll(() => tail, { timeout: 15_000 }).toContain("TOO_MANY_UNREAD");
      return tail;
    };
    expect(await tailOf("ReadSeries")).toContain("RetryInfo");
    expect(made.get("ReadSeries")).toBeUndefined();
    await tailOf("WatchSeries");
    expect(made.get("WatchSeries")).toBe(1);
  });

  test("of a watch leaves its place to others while there is nothing to tell", async () => {
    const { made, open } = await openForMany(createPacedAnswers(createSendQueues(), { perCaller: 1 }));
    open("WatchSeries", "pat_watched");
    await expect.poll(() => made.get("pat_watched"), { timeout: 15_000 }).toBe(2);
    open("ReadSeries", "pat_read");
    await expect.poll(() => made.get("pat_read"), { timeout: 15_000 }).toBeGreaterThan(0);
  });

  test("is known by the name of its RPC: what stays open is called a watch", () => {
    const streams = services.publicContracts
      .flatMap(({ methods }) => methods)
      .filter(({ methodKind }) => methodKind === "server_streaming");
    expect(streams.map(({ name }) => name).filter((name) => !name.startsWith("Watch"))).toEqual([
      "ReadSeries",
    ]);
  });
});
