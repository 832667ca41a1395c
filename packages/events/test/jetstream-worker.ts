/** A process that takes a batch of a durable and never ends it; its parent kills it. */
import { openJetStreamEvents } from "../src/jetstream/events.ts";

const [servers, stream, durable] = process.argv.slice(2) as [string, string, string];
const events = await openJetStreamEvents({
  servers: servers.split(","),
  stream,
  subjects: ["a.>"],
  replicas: 1,
  onError: (error) => process.send?.({ error: String(error) }),
});
await events.consume({
  durable,
  subjects: ["a.>"],
  batch: 5,
  handle: (batch) => {
    process.send?.({ ids: batch.map(({ id }) => id) });
    return new Promise(() => undefined);
  },
});
process.send?.({ ready: true });
