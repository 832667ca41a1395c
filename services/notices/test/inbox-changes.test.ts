import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embeddedEventsCollections, openEmbeddedEvents } from "@wellapi/events";
import { systemClock } from "@wellapi/runtime";
import { openSqliteStore } from "@wellapi/store";
import { expect, onTestFinished, test } from "vitest";
import { openInboxChanges } from "../src/inbox-changes.ts";

test("a change wakes a watch of each replica once, also of the one that made it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-changes-"));
  const path = join(folder, "events.db");
  const store = await openSqliteStore({ thread: "callers", path, collections: embeddedEventsCollections });
  const events = await openEmbeddedEvents({ store, clock: systemClock });
  const [own, other] = [openInboxChanges(events), openInboxChanges(events)];
  onTestFinished(async () => {
    own.close();
    other.close();
    await events.close();
    await store.close();
    await rm(folder, { recursive: true });
  });
  const [here, there, elsewhere] = [own.watch("local/a"), other.watch("local/a"), other.watch("local/b")];
  const ended = new AbortController();
  own.tell("local/a");
  await here.wait(60_000, ended.signal);
  // The signal went round when the other has it.
  await there.wait(60_000, ended.signal);
  const again = [here, there, elsewhere].map((watch) => watch.wait(60_000, ended.signal));
  const first = await Promise.race([...again, new Promise((resolve) => setImmediate(resolve, "nobody"))]);
  expect(first).toBe("nobody");
  ended.abort();
  await Promise.all(again);
});
