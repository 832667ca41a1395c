import { Code, ConnectError } from "@connectrpc/connect";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Logger } from "@wellapi/runtime";
import { beforeEach, describe, expect, it } from "vitest";
import {
  type Answer,
  type ConsentLink,
  type OpenEnforcer,
  type Recall,
  runEnforcer,
  Session,
  sessionOptions,
  systemTimers,
  type WatchListener,
} from "../src/index.ts";
import { earliestTime, latestTime } from "../src/permits.ts";
import { createWaiters } from "../src/waiters.ts";

const question = {
  partition: "local/pat_1",
  organization: "org_clinic",
  direction: Direction.READ,
  code: "8867-4",
  purpose: Purpose.TREATMENT,
  region: "local",
};
const permit = {
  consent: "con_1",
  version: 1,
  provision: 0,
  resolution: Resolution.RAW,
  from: earliestTime,
  to: latestTime,
  notBefore: earliestTime,
  notAfter: latestTime,
};
const yes: Answer = { permits: [permit] };
const recall = { partition: question.partition, onlyWidens: false, grantees: [] };

interface Stream {
  readonly listener: WatchListener;
  readonly sent: string[];
  closed: boolean;
}

/** An enforcer whose clock, timers, chance, stream and answers are the test's. */
function openWorld(options: { failingAtOnce?: number; random?: number } = {}) {
  let now = 0;
  let failing = options.failingAtOnce ?? 0;
  const timers = new Set<{ at: number; run(): void }>();
  const streams: Stream[] = [];
  const asked: PromiseWithResolvers<Answer>[] = [];
  const logged: string[] = [];
  const note = (level: string) => (_: unknown, message: string) => logged.push(`${level} ${message}`);
  const log = { warn: note("warn"), error: note("error") } as unknown as Logger;
  const link: ConsentLink = {
    decide() {
      const answer = Promise.withResolvers<Answer>();
      asked.push(answer);
      return answer.promise;
    },
    watch(listener) {
      const stream: Stream = { listener, sent: [], closed: false };
      streams.push(stream);
      if (failing > 0) {
        failing -= 1;
        listener.ended(new ConnectError("refused", Code.Unavailable));
      }
      return {
        send: ({ kind }) => stream.sent.push(kind),
        close() {
          stream.closed = true;
        },
      };
    },
  };
  const enforcer = runEnforcer({
    link,
    session: new Session(sessionOptions()),
    clock: { now: () => 1_700_000_000_000 + now, monotonic: () => now },
    timers: {
      after(ms, run) {
        const timer = { at: now + ms, run };
        timers.add(timer);
        return () => timers.delete(timer);
      },
    },
    log,
    random: () => options.random ?? 1,
  });
  return {
    enforcer,
    streams,
    asked,
    logged,
    timers,
    now: () => now,
    /** Lets time pass, with what falls due in it. */
    pass(ms: number) {
      const end = now + ms;
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers.delete(next);
        now = Math.max(now, next.at);
        next.run();
      }
      now = end;
    },
    opened(stream = streams.at(-1)!) {
      stream.listener.message({ kind: "opened", ttlMs: 1_500 });
    },
    broken(stream = streams.at(-1)!, error?: unknown) {
      stream.listener.ended(error);
    },
    /** Lets promises settle. */
    settled: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

let world: ReturnType<typeof openWorld>;
let enforcer: OpenEnforcer;
let heard: (Recall | undefined)[];
beforeEach(() => {
  world = openWorld();
  enforcer = world.enforcer;
  heard = [];
  enforcer.onRecall((one) => heard.push(one));
});

async function decided(answer: Answer = yes): Promise<void> {
  const deciding = enforcer.decide(question);
  world.asked.at(-1)!.resolve(answer);
  await deciding;
}

describe("the stream of a session", () => {
  it("that broke is closed, everybody hears of it, and the next is opened soon, later and later, once a second at last", () => {
    world.opened();
    const delays: number[] = [];
    for (let i = 0; i < 7; i++) {
      const before = world.streams.length;
      const brokeAt = world.now();
      world.broken();
      expect(world.streams.at(-1)!.closed).toBe(true);
      while (world.streams.length === before) world.pass(1);
      delays.push(world.now() - brokeAt);
    }
    expect(delays).toEqual([50, 100, 200, 400, 800, 1_000, 1_000]);
    expect(heard).toEqual(Array(7).fill(undefined));
    expect(world.streams.every(({ sent }) => sent[0] === "open")).toBe(true);
    // One that opens ends the waiting.
    world.opened();
    const before = world.streams.length;
    world.broken();
    world.pass(49);
    expect(world.streams).toHaveLength(before);
    world.pass(1);
    expect(world.streams).toHaveLength(before + 1);
  });

  it("that broke is opened again sooner by up to half, by chance: what ended all sessions is not to meet all of them again at once", () => {
    const sooner = openWorld({ random: 0 });
    for (const halfMs of [25, 50, 100]) {
      const before = sooner.streams.length;
      sooner.broken();
      sooner.pass(halfMs - 1);
      expect(sooner.streams).toHaveLength(before);
      sooner.pass(1);
      expect(sooner.streams).toHaveLength(before + 1);
    }
  });

  it("whose session was over as it opened does not make the next come sooner", () => {
    world.broken();
    world.pass(50);
    world.broken();
    world.pass(100);
    expect(world.streams).toHaveLength(3);
    world.pass(10);
    world.streams[2]!.listener.message({ kind: "opened", ttlMs: 5 });
    expect(enforcer.isLive()).toBe(false);
    world.pass(199);
    expect(world.streams).toHaveLength(3);
    world.pass(1);
    expect(world.streams).toHaveLength(4);
  });

  it("of before says nothing any more: neither its messages nor its end count", async () => {
    const [first] = world.streams;
    world.broken(first);
    world.pass(50);
    world.opened(first);
    expect(enforcer.isLive()).toBe(false);
    world.opened();
    await decided();
    const told = heard.length;
    world.broken(first);
    first!.listener.message({ kind: "recall", recall: "rcl_1", ...recall });
    expect(enforcer.isLive()).toBe(true);
    expect(enforcer.peek(question)).toMatchObject({ permitted: true });
    expect(heard).toHaveLength(told);
  });

  it("that fails as it is opened is tried again", () => {
    const failing = openWorld({ failingAtOnce: 2 });
    expect(failing.streams[0]!.closed).toBe(true);
    failing.pass(150);
    expect(failing.streams).toHaveLength(3);
    failing.opened();
    expect(failing.enforcer.isLive()).toBe(true);
  });

  it("is renewed every half second, and ends where no renewal is answered", () => {
    world.opened();
    const { sent } = world.streams[0]!;
    world.pass(499);
    expect(sent).toEqual(["open"]);
    world.pass(1);
    expect(sent).toEqual(["open", "renew"]);
    world.streams[0]!.listener.message({ kind: "renewed", sequence: 1 });
    world.pass(1_400);
    expect(enforcer.isLive()).toBe(true);
    expect(heard).toEqual([]);
    // 1,500 ms after the renewal was sent; nobody asks, the tick notices.
    world.pass(100);
    expect(heard).toEqual([undefined]);
    expect(enforcer.session()).toEqual({ live: false, forMs: 0 });
  });

  it("that is seen to have lapsed by whoever looks is given up at once, not at the next tick", () => {
    for (const look of [() => enforcer.peek(question), () => enforcer.isLive()]) {
      world.opened();
      const told = heard.length;
      world.timers.clear(); // no tick comes
      world.pass(1_500);
      expect(look()).toBeFalsy();
      expect(heard).toHaveLength(told + 1);
      world.pass(50);
    }
  });

  it("is told to the operator when it ends, and not while a start needs another try", () => {
    const starting = openWorld();
    starting.broken(undefined, new Error("refused"));
    expect(starting.logged).toEqual([]);
    starting.pass(50);
    starting.broken(undefined, new Error("refused"));
    expect(starting.logged).toEqual([
      "warn the consent session's stream broke",
      "warn the consent session ended; nothing is decided until another is open",
    ]);
    world.opened();
    world.broken(undefined, new Error("reset"));
    expect(world.logged).toHaveLength(2);
    const ended = openWorld();
    ended.opened();
    ended.broken(); // without an error: the service closes
    expect(ended.logged).toEqual([
      "warn the consent session ended; nothing is decided until another is open",
    ]);
  });
});

describe("a recall", () => {
  it("reaches every listener though one of them fails, and not those that have left", () => {
    const order: string[] = [];
    const leave = enforcer.onRecall(() => order.push("left"));
    enforcer.onRecall(() => {
      order.push("fails");
      throw new Error("it can't let go");
    });
    enforcer.onRecall(() => order.push("last"));
    leave();
    world.opened();
    world.streams[0]!.listener.message({ kind: "recall", recall: "rcl_1", ...recall });
    expect(order.slice(0, 2)).toEqual(["fails", "last"]);
    expect(world.logged).toContain("error a listener to recalls failed");
    expect(world.streams[0]!.sent).toEqual(["open"]);
    expect(world.streams[0]!.closed).toBe(true);
  });

  it("is told with whom and what it concerns", () => {
    world.opened();
    const message = { ...recall, onlyWidens: true, grantees: ["org_clinic"] };
    world.streams[0]!.listener.message({ kind: "recall", recall: "rcl_1", ...message });
    expect(heard).toEqual([expect.objectContaining(message)]);
    expect(world.streams[0]!.sent).toEqual(["open", "acknowledge"]);
  });

  it("that comes when the session has lapsed is not acknowledged", () => {
    world.opened();
    world.timers.clear();
    world.pass(1_500);
    world.streams[0]!.listener.message({ kind: "recall", recall: "rcl_1", ...recall });
    expect(world.streams[0]!.sent).toEqual(["open"]);
    expect(heard).toEqual([undefined]);
  });
});

describe("a decision", () => {
  it("is asked for once, and then known", async () => {
    world.opened();
    await decided();
    expect(await enforcer.decide(question)).toMatchObject({ permitted: true });
    expect(enforcer.peek(question)).toMatchObject({ permitted: true });
    expect(world.asked).toHaveLength(1);
  });

  it("waits for a session as long as it has patience, and goes on as soon as there is one", async () => {
    const deciding = enforcer.decide(question);
    world.pass(1_000);
    await world.settled();
    expect(world.asked).toHaveLength(0);
    world.opened();
    await world.settled();
    world.asked[0]!.resolve(yes);
    expect(await deciding).toMatchObject({ permitted: true });
    // Nobody waits any more: two timers are the tick and nothing else.
    expect(world.timers.size).toBe(1);
  });

  it("is given up after two seconds without a session", async () => {
    const deciding = enforcer.decide(question);
    const outcome = expect(deciding).rejects.toMatchObject({
      code: "undecided",
      message: expect.stringContaining("no session"),
    });
    let over = false;
    deciding.catch(() => {
      over = true;
    });
    world.pass(1_999);
    await world.settled();
    expect(over).toBe(false);
    world.pass(1);
    await world.settled();
    expect(over).toBe(true);
    await outcome;
  });

  it("whose patience ends as it begins to wait waits no negative time, of which Node would warn", async () => {
    const asked: number[] = [];
    const waiters = createWaiters({
      after(ms, run) {
        asked.push(ms);
        queueMicrotask(run);
        return () => {};
      },
    });
    await waiters.wait(-0.03);
    expect(asked).toEqual([0]);
  });

  it("is asked for again where nobody answered, at most 8 times", async () => {
    world.opened();
    const deciding = enforcer.decide(question);
    const silence = [Code.Unavailable, Code.DeadlineExceeded];
    const outcome = expect(deciding).rejects.toMatchObject({
      code: "undecided",
      cause: { code: Code.DeadlineExceeded },
    });
    for (let i = 0; i < 8; i++) {
      expect(world.asked).toHaveLength(i + 1);
      world.asked[i]!.reject(new ConnectError("no answer", silence[i % 2]!));
      await world.settled();
    }
    await outcome;
    expect(world.asked).toHaveLength(8);
  });

  it("is asked for again only as long as there is patience: two seconds, not eight times each answer's", async () => {
    world.opened();
    const deciding = enforcer.decide(question);
    const outcome = expect(deciding).rejects.toMatchObject({ code: "undecided" });
    for (let i = 0; i < 3; i++) {
      world.streams[0]!.listener.message({ kind: "renewed", sequence: i });
      world.pass(900);
      world.asked[i]!.reject(new ConnectError("no answer", Code.DeadlineExceeded));
      await world.settled();
    }
    await outcome;
    expect(world.asked.length).toBeLessThanOrEqual(3);
  });

  it("that finds the session lapsed has everybody told at once", () => {
    world.opened();
    world.timers.clear(); // no tick comes
    world.pass(1_500);
    enforcer.decide(question).catch(() => undefined);
    expect(heard).toEqual([undefined]);
  });

  it("is not asked for again where the service refused the question", async () => {
    world.opened();
    const deciding = enforcer.decide(question);
    const outcome = expect(deciding).rejects.toMatchObject({
      code: "undecided",
      cause: { code: Code.Internal },
    });
    world.asked[0]!.reject(new ConnectError("a mistake", Code.Internal));
    await outcome;
    expect(world.asked).toHaveLength(1);
  });

  it("is asked for again where the patient was recalled meanwhile", async () => {
    world.opened();
    const deciding = enforcer.decide(question);
    world.streams[0]!.listener.message({ kind: "recall", recall: "rcl_1", ...recall });
    world.asked[0]!.resolve(yes);
    await world.settled();
    expect(world.asked).toHaveLength(2);
    world.asked[1]!.resolve({ permits: [{ ...permit, version: 2 }] });
    expect(await deciding).toMatchObject({ permits: [{ version: 2 }] });
  });

  it("whose answer comes when the session has lapsed is not used, and the lapse is told", async () => {
    world.opened();
    const deciding = enforcer.decide(question);
    world.timers.clear();
    world.pass(1_600);
    world.asked[0]!.resolve(yes);
    await world.settled();
    expect(heard).toEqual([undefined]);
    world.pass(50);
    world.opened();
    await world.settled();
    world.asked[1]!.resolve(yes);
    expect(await deciding).toMatchObject({ permitted: true });
  });

  it("that waits is refused at once when the enforcer closes", async () => {
    const waiting = expect(enforcer.decide(question)).rejects.toMatchObject({ code: "closed" });
    const ready = expect(enforcer.ready()).rejects.toMatchObject({ code: "closed" });
    await enforcer.close();
    await waiting;
    await ready;
  });
});

describe("an enforcer", () => {
  it("is ready as soon as a session is live, and waits no longer than whoever asks wants", async () => {
    const given = new AbortController();
    const impatient = expect(enforcer.ready(given.signal)).rejects.toThrow("shutting down");
    const patient = enforcer.ready();
    given.abort(new Error("shutting down"));
    world.pass(100);
    await impatient;
    world.opened();
    await patient;
    await enforcer.ready();
  });

  it("says whether it has a session, and for how long", () => {
    world.pass(30);
    expect(enforcer.session()).toEqual({ live: false, forMs: 30 });
    world.opened();
    world.pass(70);
    expect(enforcer.session()).toEqual({ live: true, forMs: 70 });
    world.broken();
    world.pass(20);
    expect(enforcer.session()).toEqual({ live: false, forMs: 20 });
  });

  it("leaves nothing behind when it closes: no timer, no stream, no session", async () => {
    world.opened();
    await enforcer.close();
    expect(world.streams[0]!.closed).toBe(true);
    expect(heard).toEqual([undefined]);
    expect(world.timers.size).toBe(0);
    await enforcer.close();
    expect(heard).toEqual([undefined]);
    expect(world.logged).toEqual([]);

    const between = openWorld();
    between.broken();
    await between.enforcer.close();
    expect(between.timers.size).toBe(0);
    between.pass(5_000);
    expect(between.streams).toHaveLength(1);
  });

  it("has timers that run once, and not when they were cancelled", async () => {
    const ran: string[] = [];
    systemTimers.after(1, () => ran.push("cancelled"))();
    systemTimers.after(1, () => ran.push("due"));
    await expect.poll(() => ran.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(ran).toEqual(["due"]);
  });
});
