import type { Logger } from "@wellapi/runtime";
import { StoreError } from "@wellapi/store";
import { describe, expect, it } from "vitest";
import { consentCollections } from "../src/collections.ts";
import { type OwedRecall, SessionRepository } from "../src/session-repository.ts";
import { SessionStreams, sessionTtlMs, type ToEnforcer } from "../src/session-streams.ts";
import { createNodeStore, SharedDocuments } from "./model/memory-store.ts";
import { Node, World } from "./model/world.ts";
import { scopes } from "./sealing.ts";

const now = 1_000_000;
const recallOf = (recall: string): OwedRecall => {
  return { recall, partition: "local/pat_1", onlyWidens: false, grantees: ["org_clinic"] };
};

/** The streams of a replica, over a store whose next call can be made to fail or to wait. */
function openStreams() {
  const world = new World(1);
  const shared = new SharedDocuments(consentCollections);
  const node = new Node(world);
  const inner = createNodeStore(world, node, shared, () => false);
  let committing = () => {};
  const store: typeof inner = {
    ...inner,
    commit(commit) {
      committing();
      return inner.commit(commit);
    },
  };
  const sessions = new SessionRepository(store, scopes, node.timers);
  const closed: string[] = [];
  const said: unknown[] = [];
  let ids = 0;
  const streams = new SessionStreams({
    sessions,
    clock: { now: () => now, monotonic: () => 0 },
    ids: { next: (prefix) => `${prefix}_${++ids}` },
    log: { warn: ({ err }: { err: unknown }) => said.push(err) } as unknown as Logger,
    onClosed: (session) => closed.push(session),
  });
  /** Runs the store's answers until the step has ended. */
  async function settled<T>(step: Promise<T>): Promise<T> {
    let over = false;
    const ended = () => {
      over = true;
    };
    step.then(ended, ended);
    for (let i = 0; i < 50 && !over; i += 1) await world.runUntil(world.now + 10, () => {});
    if (!over) throw new Error("the step does not end");
    return step;
  }
  function connect() {
    const sent: ToEnforcer[] = [];
    const stream = streams.connect((message) => sent.push(message));
    const receive = (message: Parameters<typeof stream.receive>[0]) => settled(stream.receive(message));
    return { sent, stream, receive };
  }
  async function opened() {
    const connected = connect();
    await connected.receive({ kind: "open", enforcer: "records-1" });
    const [first] = connected.sent.splice(0);
    return { ...connected, session: (first as Extract<ToEnforcer, { kind: "opened" }>).session };
  }
  const onCommit = (run: () => void) => {
    committing = run;
  };
  return { sessions, streams, shared, settled, connect, opened, closed, said, onCommit };
}

describe("an enforcer's stream", () => {
  it("opens a session, which is stored when the enforcer hears of it", async () => {
    const { sessions, settled, streams, connect } = openStreams();
    const listed: Array<Promise<readonly string[]>> = [];
    const stream = streams.connect(() => listed.push(sessions.list()));
    await settled(stream.receive({ kind: "open", enforcer: "records-1" }));
    expect(await settled(listed[0]!)).toEqual(["ses_1"]);
    const other = connect();
    await other.receive({ kind: "open", enforcer: "records-2" });
    expect(other.sent).toEqual([{ kind: "opened", session: "ses_2", ttlMs: sessionTtlMs }]);
    const stored = await settled(sessions.get("ses_2"));
    expect(stored!.document).toMatchObject({
      enforcer: "records-2",
      expires_hint: now + sessionTtlMs,
      owed: [],
    });
  });

  it("opens one session, by its first message", async () => {
    const { sessions, settled, connect, opened } = openStreams();
    const invalid = { name: "ConsentError", code: "invalid", message: /opened once/ };
    const early = connect();
    for (const message of [
      { kind: "renew", sequence: 1 },
      { kind: "acknowledge", recall: "rcl_1" },
    ] as const) {
      await expect(early.receive(message)).rejects.toMatchObject({
        ...invalid,
        message: expect.stringMatching(invalid.message),
      });
    }
    const { receive, sent } = await opened();
    await expect(receive({ kind: "open", enforcer: "records-1" })).rejects.toMatchObject({ code: "invalid" });
    expect(sent).toEqual([]);
    expect(await settled(sessions.list())).toEqual(["ses_1"]);
  });

  it("renews its session, by the number that the enforcer gave", async () => {
    const { sessions, settled, opened } = openStreams();
    const { session, sent, receive } = await opened();
    const before = (await settled(sessions.get(session)))!;
    await receive({ kind: "renew", sequence: 7 });
    expect(sent).toEqual([{ kind: "renewed", sequence: 7 }]);
    const after = (await settled(sessions.get(session)))!;
    expect(after.revision).toBe(before.revision + 1);
    expect(after.document.expires_hint).toBe(now + sessionTtlMs);
  });

  it("tells what is owed instead of renewing, and renews once all of it is acknowledged", async () => {
    const { sessions, settled, opened } = openStreams();
    const { session, sent, receive } = await opened();
    for (const recall of ["rcl_1", "rcl_2"]) await settled(sessions.owe(session, recallOf(recall)));
    await receive({ kind: "renew", sequence: 1 });
    const owed = ["rcl_1", "rcl_2"].map((recall) => ({ kind: "recall", ...recallOf(recall) }));
    expect(sent.splice(0)).toEqual(owed);
    await receive({ kind: "acknowledge", recall: "rcl_1" });
    await receive({ kind: "renew", sequence: 2 });
    expect(sent.splice(0)).toEqual(owed.slice(1));
    await receive({ kind: "acknowledge", recall: "rcl_2" });
    await receive({ kind: "renew", sequence: 3 });
    expect(sent).toEqual([{ kind: "renewed", sequence: 3 }]);
  });

  it("must end where its session was deleted meanwhile", async () => {
    const { sessions, settled, opened } = openStreams();
    const { session, sent, receive } = await opened();
    await settled(sessions.owe(session, recallOf("rcl_1")));
    await settled(sessions.deleteOwing(session, "rcl_1"));
    await expect(receive({ kind: "renew", sequence: 1 })).rejects.toMatchObject({ code: "session_over" });
    expect(sent).toEqual([]);
  });

  it("outlives a store that fails for a moment: the enforcer asks again, and the operator is told", async () => {
    const { shared, opened, said } = openStreams();
    const { sent, receive } = await opened();
    shared.failing = true;
    await receive({ kind: "renew", sequence: 1 });
    expect(sent).toEqual([]);
    expect(said).toEqual([expect.any(StoreError)]);
    shared.failing = false;
    await receive({ kind: "renew", sequence: 2 });
    expect(sent).toEqual([{ kind: "renewed", sequence: 2 }]);
    expect(said).toHaveLength(1);
  });

  it("is told of a recall at once, and no other one is", async () => {
    const { streams, opened } = openStreams();
    const [one, other] = [await opened(), await opened()];
    expect(streams.push(one.session, recallOf("rcl_1"))).toBe(true);
    expect(streams.push("ses_elsewhere", recallOf("rcl_2"))).toBe(false);
    expect(one.sent).toEqual([{ kind: "recall", ...recallOf("rcl_1") }]);
    expect(other.sent).toEqual([]);
  });

  it("leaves its session to be retired, once, whoever ended the stream", async () => {
    const { streams, sessions, settled, opened, closed } = openStreams();
    const { session, stream, sent } = await opened();
    stream.closed();
    stream.closed();
    expect(closed).toEqual([session]);
    streams.push(session, recallOf("rcl_1"));
    expect(sent).toEqual([]);
    expect(await settled(sessions.list())).toEqual([session]);
  });

  it("that ends before it opened a session leaves nothing", async () => {
    const { connect, closed } = openStreams();
    connect().stream.closed();
    expect(closed).toEqual([]);
  });

  it("that ends before its session is stored has none stored", async () => {
    const { sessions, settled, connect, closed, onCommit } = openStreams();
    let commits = 0;
    onCommit(() => {
      commits += 1;
    });
    const { stream, sent } = connect();
    const opening = stream.receive({ kind: "open", enforcer: "records-1" });
    stream.closed();
    await settled(opening);
    expect(commits).toBe(0);
    expect(await settled(sessions.list())).toEqual([]);
    expect([closed, sent]).toEqual([[], []]);
  });

  it("that ends while its session is being stored leaves none: nobody could use it, so nobody waits for it", async () => {
    const { sessions, settled, connect, closed, onCommit } = openStreams();
    const { stream, sent } = connect();
    onCommit(() => stream.closed());
    await settled(stream.receive({ kind: "open", enforcer: "records-1" }));
    expect(await settled(sessions.list())).toEqual([]);
    expect(await settled(sessions.get("ses_1"))).toBeUndefined();
    expect([closed, sent]).toEqual([[], []]);
  });
});

describe("who waits for an acknowledgement", () => {
  it("hears of each of the session once it is stored, and of no other session's", async () => {
    const { streams, sessions, settled, opened } = openStreams();
    const [one, other] = [await opened(), await opened()];
    for (const { session } of [one, other]) await settled(sessions.owe(session, recallOf("rcl_1")));
    const heard: string[] = [];
    const stored: Array<ReturnType<SessionRepository["get"]>> = [];
    streams.onAcknowledged(one.session, () => {
      heard.push("first");
      stored.push(sessions.get(one.session));
    });
    streams.onAcknowledged(one.session, () => heard.push("second"));
    await other.receive({ kind: "acknowledge", recall: "rcl_1" });
    expect(heard).toEqual([]);
    await one.receive({ kind: "acknowledge", recall: "rcl_1" });
    expect(heard).toEqual(["first", "second"]);
    expect((await settled(stored[0]!))!.document.owed).toEqual([]);
    await one.receive({ kind: "acknowledge", recall: "rcl_unknown" });
    expect(heard).toHaveLength(4);
  });

  it("hears nothing more once they let go, and may let go when they hear", async () => {
    const { streams, opened } = openStreams();
    const { session, receive } = await opened();
    const heard: string[] = [];
    const forgetFirst = streams.onAcknowledged(session, () => {
      heard.push("first");
      forgetFirst();
    });
    const forgetSecond = streams.onAcknowledged(session, () => heard.push("second"));
    await receive({ kind: "acknowledge", recall: "rcl_1" });
    expect(heard).toEqual(["first", "second"]);
    await receive({ kind: "acknowledge", recall: "rcl_2" });
    expect(heard).toEqual(["first", "second", "second"]);
    forgetSecond();
    // Letting go twice takes nobody else's place.
    streams.onAcknowledged(session, () => heard.push("third"));
    forgetSecond();
    await receive({ kind: "acknowledge", recall: "rcl_3" });
    expect(heard).toEqual(["first", "second", "second", "third"]);
  });
});
