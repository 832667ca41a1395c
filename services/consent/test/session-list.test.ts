import {
  type OpenEnforcer,
  runEnforcer,
  Session,
  sessionOptions,
  type WatchListener,
} from "@wellapi/enforcer";
import { silentLogger } from "@wellapi/runtime";
import type { Commit, Store } from "@wellapi/store";
import { describe, expect, it } from "vitest";
import { consentCollections } from "../src/collections.ts";
import { Recalls } from "../src/recall.ts";
import { SessionRepository } from "../src/session-repository.ts";
import { SessionStreams } from "../src/session-streams.ts";
import { createNodeStore, SharedDocuments } from "./model/memory-store.ts";
import { Node, World } from "./model/world.ts";
import { scopes } from "./sealing.ts";

const owed = { recall: "rcl_1", partition: "local/pat_1", onlyWidens: false, grantees: [] };
const idsOf = (count: number) => Array.from({ length: count }, (_, i) => `ses_${i}`);

/** The list in a time that the test moves, over a store whose commits are counted and may be kept back. */
function openList() {
  const world = new World(1);
  const node = new Node(world);
  const shared = new SharedDocuments(consentCollections);
  const inner = createNodeStore(world, node, shared, () => false);
  const commits: Commit[] = [];
  let before: (commit: Commit) => Promise<void> | void = () => {};
  const store: Store = {
    ...inner,
    async commit(commit) {
      commits.push(commit);
      await before(commit);
      return inner.commit(commit);
    },
  };
  const open = () => new SessionRepository(store, scopes, node.timers);
  return {
    world,
    commits,
    sessions: open(),
    /** As another replica has it. */
    elsewhere: new SessionRepository(inner, scopes, node.timers),
    onCommit(run: typeof before) {
      before = run;
    },
    async settled<T>(step: Promise<T>): Promise<T> {
      await world.runUntil(world.now + 200, () => {});
      return step;
    },
  };
}

describe("the list of sessions", () => {
  it("takes those that come while a commit is under way together: twenty openings are two commits, and so are as many deletions", async () => {
    const { sessions, settled, commits } = openList();
    const ids = idsOf(20);
    await settled(Promise.all(ids.map((id) => sessions.open(id, "records", 0))));
    expect(await settled(sessions.list())).toEqual(ids);
    expect(commits).toHaveLength(2);
    await settled(Promise.all(ids.map((id) => sessions.owe(id, owed))));
    commits.length = 0;
    await settled(Promise.all(ids.map((id) => sessions.deleteOwing(id, "rcl_1"))));
    expect(await settled(sessions.list())).toEqual([]);
    expect(commits).toHaveLength(2);
  });

  it("deletes a session once where several find at the same time that it has run out", async () => {
    const { sessions, settled, commits } = openList();
    await settled(sessions.open("ses_1", "records", 0));
    await settled(sessions.owe("ses_1", owed));
    commits.length = 0;
    const several = [1, 2, 3].map(() => sessions.deleteOwing("ses_1", "rcl_1"));
    expect(await settled(Promise.all(several))).toEqual([true, false, false]);
    expect(commits).toHaveLength(1);
  });

  it("does not hold up others for one that is changed at the same moment, which then stays or goes by what it is", async () => {
    const { sessions, elsewhere, settled, commits, onCommit } = openList();
    const ids = idsOf(4);
    await settled(Promise.all(ids.map((id) => sessions.open(id, "records", 0))));
    const seen = await settled(sessions.get("ses_1"));
    await settled(Promise.all(ids.map((id) => sessions.owe(id, owed))));
    commits.length = 0;
    onCommit(async ({ changes }) => {
      if (changes.some((change) => change.kind === "delete" && change.key[1] === "ses_2"))
        await elsewhere.acknowledge("ses_2", "rcl_1");
    });
    const deleted = ids.map((id) => sessions.deleteOwing(id, "rcl_1"));
    expect(await settled(Promise.all(deleted))).toEqual([true, true, false, true]);
    await settled(sessions.deleteUnchanged("ses_1", seen!));
    expect(await settled(sessions.list())).toEqual(["ses_2"]);
  });

  it("goes on where another replica changes it at the same moment", async () => {
    const { sessions, elsewhere, settled, onCommit } = openList();
    let others = 0;
    onCommit(async () => {
      if (others < 3) await elsewhere.open(`ses_other_${others++}`, "fhir", 0);
    });
    await settled(Promise.all(["ses_0", "ses_1"].map((id) => sessions.open(id, "records", 0))));
    expect((await settled(sessions.list())).toSorted()).toEqual([
      "ses_0",
      "ses_1",
      "ses_other_0",
      "ses_other_1",
      "ses_other_2",
    ]);
  });

  it("does not wait for a commit whose connection is dead: the next begins beside it after a while", async () => {
    const { world, sessions, settled, onCommit } = openList();
    onCommit(({ changes }) =>
      changes.some(
        (change) =>
          change.kind === "insert" && (change.document as { session?: string }).session === "ses_dead",
      )
        ? new Promise(() => {})
        : undefined,
    );
    void sessions.open("ses_dead", "records", 0);
    let openedAt: number | undefined;
    void sessions.open("ses_1", "fhir", 0).then(() => {
      openedAt = world.now;
    });
    await world.runUntil(3_000, () => {});
    expect(openedAt).toBeGreaterThan(1_400);
    expect(openedAt).toBeLessThan(1_700);
    expect(await settled(sessions.list())).toEqual(["ses_1"]);
  });
});

/** One core: `commandMs` a command, one after the other; a commit is five. While it is silent nothing passes. */
function createSlowStore(world: World, node: Node, commandMs: number) {
  const shared = new SharedDocuments(consentCollections);
  let freeAt = 0;
  let silentUntil = 0;
  const serve = <T>(commands: number, effect: () => T) =>
    new Promise<T>((resolve) => {
      const arrive = () => {
        if (world.now < silentUntil) return world.after(silentUntil - world.now, arrive);
        freeAt = Math.max(world.now, freeAt) + commands * commandMs;
        world.after(freeAt - world.now, () => node.deliver(0, () => resolve(effect())));
      };
      arrive();
    });
  const inner = createNodeStore(world, node, shared, () => false);
  const store: Store = {
    ...inner,
    commit: (commit) => serve(5, () => shared.commit(commit)),
    get: ((collection, key) => serve(1, () => shared.get(collection, key))) as Store["get"],
    scan: ((collection, scan) =>
      serve(1, () => ({ documents: shared.scan(collection, scan) }))) as Store["scan"],
  };
  return {
    store,
    silence(ms: number) {
      silentUntil = world.now + ms;
    },
  };
}

/** An enforcer whose stream comes to these streams within two milliseconds. */
function startEnforcer(world: World, node: Node, streams: SessionStreams): OpenEnforcer {
  const watch = (listener: WatchListener) => {
    let over = false;
    let inbox = Promise.resolve();
    const stream = streams.connect((message) => node.deliver(2, () => over || listener.message(message)));
    const close = () => {
      if (over) return;
      over = true;
      node.deliver(1, () => listener.ended());
      stream.closed();
    };
    type Sent = Parameters<ReturnType<SessionStreams["connect"]>["receive"]>[0];
    const receive = (message: Sent) => {
      inbox = inbox.then(() => stream.receive(message)).catch(close);
    };
    return {
      send: (message: { kind: "open" } | Exclude<Sent, { kind: "open" }>) =>
        node.deliver(
          2,
          () => over || receive(message.kind === "open" ? { ...message, enforcer: "e" } : message),
        ),
      close,
    };
  };
  return runEnforcer({
    link: { decide: () => new Promise(() => {}), watch },
    session: new Session(sessionOptions()),
    clock: node.clock,
    timers: node.timers,
    log: silentLogger,
    random: () => world.chance.next(),
  });
}

describe("enforcers whose sessions ended with a store that was silent for five seconds", () => {
  // Each opening, deletion and recall by itself: at 3 ms a command they never had sessions again, though nothing failed any more.
  it.each([1, 4])(
    "have new ones within two seconds, and keep them, at %i ms a command",
    async (commandMs) => {
      const world = new World(3);
      const node = new Node(world);
      const { store, silence } = createSlowStore(world, node, commandMs);
      const sessions = new SessionRepository(store, scopes, node.timers);
      let ids = 0;
      const { clock, timers } = node;
      const common = {
        clock,
        timers,
        sessions,
        log: silentLogger,
        ids: { next: (kind: string) => `${kind}_${ids++}` },
      };
      const streams: SessionStreams = new SessionStreams({
        ...common,
        onClosed: (session) => void recalls.retire(session).catch(() => {}),
      });
      const recalls = new Recalls({ ...common, streams });
      const enforcers = Array.from({ length: 6 }, () => startEnforcer(world, node, streams));
      const live = () => enforcers.filter((enforcer) => enforcer.session().live).length;
      // Consents come and go meanwhile; who is not answered within three seconds calls again.
      const revoke = () => {
        let done = false;
        const call = () => {
          if (done) return;
          void recalls.recall("local/pat_1", { onlyWidens: false, grantees: [] }).then(
            () => {
              if (!done) timers.after(1_000, revoke);
              done = true;
            },
            () => {},
          );
          timers.after(3_000, call);
        };
        call();
      };
      revoke();
      await world.runUntil(5_000, () => {});
      expect(live()).toBe(6);
      silence(5_000);
      await world.runUntil(9_900, () => {});
      expect(live()).toBe(0);
      for (let at = 12_000; at <= 30_000; at += 500) {
        await world.runUntil(at, () => {});
        expect(live()).toBe(6);
      }
      const listed = sessions.list();
      await world.runUntil(30_500, () => {});
      expect(await listed).toHaveLength(6);
    },
  );
});
