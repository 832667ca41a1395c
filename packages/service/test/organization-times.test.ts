import { Code, ConnectError } from "@connectrpc/connect";
import { OrganizationClockService } from "@wellapi/gen/wellapi/internal/identity/v1/organization_clock_service_pb";
import { route } from "@wellapi/rpc";
import { createTestTransport } from "@wellapi/rpc/testing";
import { beforeEach, describe, expect, test } from "vitest";
import { createMovesFollower, createOrganizationTimes, timesRememberedMs } from "../src/index.ts";

const trueNow = Date.UTC(2026, 3, 12, 8);
const day = 86_400_000;

let monotonic: number;
let asked: bigint[];
let stored: { revision: bigint; clocks: { organization: string; aheadSeconds: number }[] };
/** Before identity answers. */
let answering: () => void;

beforeEach(() => {
  monotonic = 1_000;
  asked = [];
  stored = { revision: 0n, clocks: [] };
  answering = () => {};
});

const clock = { now: () => trueNow, monotonic: () => monotonic };

function open(profile: "sandbox" | "production" = "sandbox") {
  const identity = createTestTransport({
    routes: [
      route(OrganizationClockService, {
        async listOrganizationClocks({ knownRevision }) {
          asked.push(knownRevision);
          const { revision, clocks } = stored;
          answering();
          return knownRevision === revision ? { revision } : { revision, clocks };
        },
      }),
    ],
    caller: { principal: { kind: "service", id: "records" }, workload: "records", token: "" },
  });
  return createOrganizationTimes({ profile, identity, clock });
}

function move(organization: string, days: number): void {
  const others = stored.clocks.filter((one) => one.organization !== organization);
  const clocks = [...others, { organization, aheadSeconds: days * 86_400 }];
  stored = { revision: stored.revision + 1n, clocks };
}

describe("the times of organizations", () => {
  test("are the true time in production, and nobody is asked", async () => {
    move("org_a", 11);
    const times = open("production");
    expect(times.look()).toBeUndefined();
    expect([times.now("org_a"), times.aheadOf("org_a"), times.moved().revision]).toEqual([trueNow, 0, 0n]);
    expect(asked).toEqual([]);
  });

  test("are known for half a second, and asked for again after it", async () => {
    const times = open();
    expect(() => times.now("org_a")).toThrow(ConnectError);
    await times.look();
    expect(times.now("org_a")).toBe(trueNow);
    move("org_a", 11);
    monotonic += timesRememberedMs - 1;
    expect(times.look()).toBeUndefined();
    monotonic += 1;
    await times.look();
    expect([times.now("org_a"), times.now("org_b")]).toEqual([trueNow + 11 * day, trueNow]);
    monotonic += timesRememberedMs;
    await Promise.all([times.look(), times.look()]);
    expect(asked).toEqual([0n, 0n, 1n]);
    expect(times.aheadOf("org_a")).toBe(11 * day);
  });

  test("are not those of before a move that is over, where the answer was under way for long", async () => {
    const times = open();
    answering = () => {
      answering = () => {};
      move("org_a", 11);
      monotonic += timesRememberedMs;
    };
    await times.look();
    expect(times.aheadOf("org_a")).toBe(11 * day);
  });

  test("are not told where identity does not answer, nor where it is always late", async () => {
    const times = open();
    await times.look();
    monotonic += timesRememberedMs;
    const unavailable = { code: Code.Unavailable };
    answering = () => {
      throw new ConnectError("away", Code.Internal);
    };
    await expect(times.look()).rejects.toMatchObject(unavailable);
    answering = () => {
      monotonic += timesRememberedMs;
    };
    await expect(times.look()).rejects.toMatchObject(unavailable);
    answering = () => {};
    await times.look();
    expect(times.look()).toBeUndefined();
  });
});

test("what is due is put forward after each move, at two turns, and never where no clock was moved", async () => {
  const times = open();
  let passes = 0;
  const follow = createMovesFollower(times, async () => {
    passes += 1;
  });
  const turn = async () => {
    monotonic += timesRememberedMs;
    await follow();
    return passes;
  };
  expect([await turn(), await turn()]).toEqual([0, 0]);
  move("org_a", 1);
  expect([await turn(), await turn(), await turn()]).toEqual([1, 2, 2]);
  move("org_a", 2);
  move("org_b", 1);
  expect([await turn(), await turn(), await turn()]).toEqual([3, 4, 4]);
});
