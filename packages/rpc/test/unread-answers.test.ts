import { setTimeout as pause } from "node:timers/promises";
import { Code, type ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { createUnreadAnswers, problemOf, type UnreadAnswersOptions } from "../src/index.ts";

function world(options: UnreadAnswersOptions) {
  const unread = createUnreadAnswers(options);
  const ended: string[] = [];
  const reasons: ConnectError[] = [];
  const waiting = new Set<string>();
  return {
    ended,
    reasons,
    waiting,
    hold(caller: string, name: string, bytes: number): () => void {
      waiting.add(name);
      return unread.hold(
        { kind: "application", id: caller, organization: "org_1" },
        {
          bytes,
          waits: () => waiting.has(name),
          end(reason) {
            ended.push(name);
            reasons.push(reason);
          },
        },
      );
    },
  };
}

const never = { stalledMs: 60_000 };

describe("unread answers", () => {
  test("end when their reader has taken nothing for too long, and not when it has", async () => {
    const { hold, ended, reasons } = world({ stalledMs: 40 });
    hold("app", "stalled", 1);
    hold("app", "taken", 1)();
    await expect.poll(() => ended).toEqual(["stalled"]);
    await pause(100);
    expect(ended).toEqual(["stalled"]);
    expect(problemOf(reasons[0]!)).toMatchObject({
      code: Code.ResourceExhausted,
      reason: "READER_STALLED",
      retryAfterMs: 1_000,
    });
  });

  test("that nothing waits for are not stalled, however long they are held", async () => {
    const { hold, ended, waiting } = world({ stalledMs: 40 });
    hold("app", "quiet", 1);
    hold("app", "stalled", 1);
    waiting.delete("quiet");
    await expect.poll(() => ended).toEqual(["stalled"]);
    await pause(100);
    expect(ended).toEqual(["stalled"]);
  });

  test("beyond their caller's bytes end, the one that waits longest first, and nobody else's do", () => {
    const { hold, ended } = world({ ...never, bytesPerCaller: 100, slowMs: 0 });
    hold("other", "theirs", 90);
    hold("app", "first", 40);
    hold("app", "second", 60);
    expect(ended).toEqual([]);
    hold("app", "third", 40);
    expect(ended).toEqual(["first"]);
    hold("app", "fourth", 1);
    expect(ended).toEqual(["first", "second"]);
  });

  test("beyond the bytes of all callers end, whosever they are", () => {
    const { hold, ended } = world({ ...never, bytesInAll: 100, slowMs: 0 });
    hold("one", "first", 50);
    hold("two", "second", 50);
    hold("three", "third", 50);
    expect(ended).toEqual(["first"]);
  });

  test("do not end beyond the bytes while they may only be slow", async () => {
    const { hold, ended } = world({ ...never, bytesPerCaller: 100, slowMs: 50 });
    hold("app", "first", 80);
    const second = hold("app", "second", 80);
    expect(ended).toEqual([]);
    second();
    await pause(60);
    hold("app", "third", 80);
    expect(ended).toEqual(["first"]);
  });

  test("that were taken make room", () => {
    const { hold, ended } = world({ ...never, bytesPerCaller: 100, slowMs: 0 });
    for (let i = 0; i < 1_000; i++) hold("app", `${i}`, 100)();
    expect(ended).toEqual([]);
  });
});
