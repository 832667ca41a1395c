import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { type AnswerGuard, createUnreadAnswers, type UnreadAnswers } from "@wellapi/rpc";
import { describe, expect, onTestFinished, test } from "vitest";
import { openStallingRelay } from "../../../test/stalled/relay.ts";
import { type Handlers, openTestGateway } from "./harness.ts";

const about = { patient: "pat_1", code: { code: "8867-4" }, purpose: "PURPOSE_TREATMENT" };
const watched = { patient: "pat_1", codes: [{ code: "8867-4" }], purpose: "PURPOSE_TREATMENT" };
const messageBytes = 500_000;
const access = "a".repeat(messageBytes);

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
    for (let before = -1; before !== facts.pulled; await pause(200)) before = facts.pulled;
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

  // Elsewhere nobody tells what the kernel holds.
  test.runIf(process.platform === "linux")(
    "beyond a caller's hundredth gets little made for it, however much the kernel takes",
    async () => {
      const most = 30;
      const made = new Map<string, number>();
      const handlers: Handlers["records"] = {
        async *readSeries({ patient }, { signal }) {
          for (let count = 1; count <= most; count++) {
            made.set(patient, count);
            yield { payload: { case: "start" as const, value: { access: access.slice(0, 20_000) } } };
          }
          await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        },
      };
      const { gateway, url } = await openTestGateway(
        { records: handlers! },
        { answers: createGuard().guard },
      );
      onTestFinished(() => gateway.close());
      for (let at = 0; at < 120; at++) {
        const socket = connect(Number(new URL(url).port), "127.0.0.1");
        socket.on("error", () => {}).pause();
        onTestFinished(() => void socket.destroy());
        socket.write(requestOf("ReadSeries", { ...about, patient: `pat_${at}` }));
      }
      const counts = () => [...made.values()];
      await expect.poll(() => counts().length, { timeout: 15_000 }).toBe(120);
      const whole = () => counts().filter((count) => count === most).length;
      await expect.poll(whole, { timeout: 15_000 }).toBe(100);
      expect(Math.max(...counts().filter((count) => count < most))).toBeLessThan(most / 2);
    },
  );
});
