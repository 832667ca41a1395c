/**
 * A process that consumes events once each, and kills itself at the step that its parent names, at its first event that
 * is named `…:e2`. Its parent starts it again without a step.
 */
import { join } from "node:path";
import { openSqliteStore, type Store } from "@wellapi/store";
import {
  type Events,
  embeddedEventsCollections,
  openEmbeddedEvents,
  openIdempotentConsumer,
} from "../src/index.ts";
import { openJetStreamEvents } from "../src/jetstream/events.ts";
import { openTallyStore, partitionOf, tally } from "./tallying.ts";

export type Step = "delivered" | "decided" | "committed" | "acknowledged" | "dead" | "none";

const [engine, folder, step, servers, stream] = process.argv.slice(2) as [
  string,
  string,
  Step,
  string,
  string,
];
const onError = () => undefined;
/** A stream's own: on one server no two hold the same. */
const subject = `${stream}.created`;
const crashAt = (at: Step) => {
  if (at === step) process.kill(process.pid, "SIGKILL");
};

/** Over a store, so that the acknowledgement can be seen; over JetStream it is the server's. */
async function openEmbedded(): Promise<Events> {
  const store = await openSqliteStore({
    path: join(folder, "events.db"),
    collections: embeddedEventsCollections,
  });
  const commit: Store["commit"] = async (request) => {
    const result = await store.commit(request);
    const changed = request.changes.map(({ collection }) => collection);
    if (handled && changed.includes("event_durables")) crashAt("acknowledged");
    if (changed.includes("event_dead_letters")) crashAt("dead");
    return result;
  };
  return openEmbeddedEvents({ store: { ...store, commit }, onError });
}

let handled = false;
const events =
  engine === "embedded"
    ? await openEmbedded()
    : await openJetStreamEvents({ servers: [servers], stream, subjects: [subject], replicas: 1, onError });
const store = await openTallyStore(folder);
const commit: Store["commit"] = async (request) => {
  const result = await store.commit(request);
  if (request.changes.some((change) => change.kind === "insert" && change.document.event === "p0:e2")) {
    handled = true;
    crashAt("committed");
  }
  return result;
};

await openIdempotentConsumer({
  events,
  store: { ...store, commit },
  durable: "all",
  subjects: [subject],
  backoffMs: 5,
  maxAttempts: 2,
  partitionOf(event) {
    if (event.id === "p0:e2") crashAt("delivered");
    return partitionOf(event);
  },
  async effectOf(event) {
    if (event.id.endsWith("bad")) throw new Error("refused");
    const effect = await tally(store, event);
    if (event.id === "p0:e2") crashAt("decided");
    process.send?.({ decided: event.id });
    return effect;
  },
  onError,
});
process.on("message", async (ids: string[]) => {
  await events.publish(ids.map((id) => ({ id, subject, data: new TextEncoder().encode(id), headers: {} })));
  const letters = await events.deadLetters("all", 10);
  process.send?.({ dead: letters.map(({ event }) => event.id) });
});
process.send?.({ ready: true });
