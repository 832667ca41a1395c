import { randomUUID } from "node:crypto";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import {
  type JetStreamEvents,
  type JetStreamEventsOptions,
  openJetStreamEvents,
} from "../src/jetstream/events.ts";
import type { EventsUnderTest } from "./contract.ts";

export interface JetStreamUnderTest extends EventsUnderTest {
  readonly events: JetStreamEvents;
  readonly stream: string;
  reopen(): Promise<JetStreamEvents>;
  /** Another process, as it were, on the same stream. */
  openAnother(options?: Partial<JetStreamEventsOptions>): Promise<JetStreamEvents>;
}

const PREFIX = "wellapi-test-";
export const subjects = ["a", "a.>", "b", "b.>", "bc.>"];

/** JetStream events on a stream of their own, which is deleted at the end. */
export async function openJetStreamUnderTest(
  servers: readonly string[],
  options: Partial<JetStreamEventsOptions> = {},
): Promise<JetStreamUnderTest> {
  // What an earlier run left holds the same subjects.
  await deleteStreams(servers);
  const stream = `${PREFIX}${randomUUID()}`;
  const opened = new Set<JetStreamEvents>();
  const openAnother = async (more: Partial<JetStreamEventsOptions> = {}) => {
    const events = await openJetStreamEvents({
      servers,
      stream,
      subjects,
      replicas: 1,
      onError: () => undefined,
      ...options,
      ...more,
    });
    opened.add(events);
    return events;
  };
  let events = await openAnother();
  return {
    get events() {
      return events;
    },
    stream,
    openAnother,
    async reopen() {
      await events.close();
      events = await openAnother();
      return events;
    },
    async dispose() {
      await Promise.all([...opened].map((open) => open.close()));
      await deleteStreams(servers);
    },
  };
}

async function deleteStreams(servers: readonly string[]): Promise<void> {
  await withJetStream(servers, async (jsm) => {
    for await (const name of jsm.streams.names()) if (name.startsWith(PREFIX)) await jsm.streams.delete(name);
  });
}

/** The server's own view, past the engine. */
export async function withJetStream<T>(
  servers: readonly string[],
  run: (jsm: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<T>,
): Promise<T> {
  const nc = await connect({ servers: [...servers] });
  try {
    return await run(await jetstreamManager(nc));
  } finally {
    await nc.close();
  }
}
