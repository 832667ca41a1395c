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
  const message = Buffer.from(JSON.stringify(method === "WatchSeries" ? watched : about));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  socket.write(
    `POST /wellapi.records.v1.RecordsService/${method} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer wellapi_sk_clinic\r\ncontent-type: application/connect+json\r\nconnect-protocol-version: 1\r\ncontent-length: ${head.length + message.length}\r\n\r\n`,
  );
  socket.write(Buffer.concat([head, message]));
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
});
