import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { OutboxEvent } from "@wellapi/store";
import { EventsError } from "../errors.ts";
import { isNotFound, manager, toEventsError } from "./api.ts";
import type { Connection } from "./connection.ts";
import { deadStream } from "./declaration.ts";
import { deadSubject, decodeError, decodeEvent, encodeCopyHeaders, replaySubject } from "./message.ts";

/** Events that a durable gave up on, in a separate stream from which nothing expires. */
export interface DeadLetters {
  /** Resolves when it is stored; the same delivery leaves one letter, however often this is called. */
  add(durable: string, sequence: number, event: OutboxEvent, error: string): Promise<void>;
  /** Oldest first. */
  list(durable: string, limit: number): Promise<ReadonlyArray<{ event: OutboxEvent; error: string }>>;
  /** The number of each durable; a durable without dead letters is missing. */
  count(jsm: JetStreamManager): Promise<ReadonlyMap<string, number>>;
  /** Delivers them to this durable alone once more, as new events; all, or those with these ids. Returns how many. */
  replay(durable: string, ids?: readonly string[]): Promise<number>;
}

export function createDeadLetters(connection: Connection, stream: string, timeoutMs: number): DeadLetters {
  const dead = deadStream(stream);

  async function* read(jsm: JetStreamManager, durable: string): AsyncGenerator<StoredMsg> {
    let seq = 1;
    while (true) {
      const found = await next(jsm, dead, seq, deadSubject(stream, durable));
      if (!found) return;
      yield found;
      seq = found.seq + 1;
    }
  }

  const send = async (
    nc: NatsConnection,
    subject: string,
    event: OutboxEvent,
    id: string,
    error?: string,
  ) => {
    const headers = encodeCopyHeaders(event, id, error);
    const reply = await nc.request(subject, event.data, { headers, timeout: timeoutMs });
    const answer = reply.json<{ error?: { description: string } }>();
    if (answer.error) throw new EventsError("unavailable", answer.error.description);
  };

  const guard = async <T>(run: (nc: NatsConnection, jsm: JetStreamManager) => Promise<T>): Promise<T> => {
    const deadline = performance.now() + timeoutMs;
    try {
      const nc = await connection.live(deadline);
      return await run(nc, await manager(nc, deadline));
    } catch (error) {
      throw toEventsError(error, "dead letters");
    }
  };

  return {
    add: (durable, sequence, event, error) =>
      guard((nc) =>
        send(nc, deadSubject(stream, durable), event, `${durable}.${sequence}.${event.id}`, error),
      ),
    list: (durable, limit) =>
      guard(async (_nc, jsm) => {
        const letters: Array<{ event: OutboxEvent; error: string }> = [];
        if (limit < 1) return letters;
        for await (const stored of read(jsm, durable)) {
          letters.push({ event: decode(stored), error: decodeError(stored.header) });
          if (letters.length >= limit) break;
        }
        return letters;
      }),
    async count(jsm) {
      const prefix = deadSubject(stream, "");
      const { state } = await jsm.streams.info(dead, { subjects_filter: `${prefix}>` });
      const counts = Object.entries(state.subjects ?? {});
      return new Map(counts.map(([subject, count]) => [subject.slice(prefix.length), count]));
    },
    replay: (durable, ids) =>
      guard(async (nc, jsm) => {
        const wanted = ids && new Set(ids);
        // A replayed event that fails again at once is a new letter behind these: it waits for the next call.
        const { last_seq: last } = (await jsm.streams.info(dead)).state;
        let replayed = 0;
        for await (const stored of read(jsm, durable)) {
          if (stored.seq > last) break;
          const event = decode(stored);
          if (wanted && !wanted.has(event.id)) continue;
          // In this order: a crash in between replays the event again under the same message id, which changes
          // nothing.
          await send(
            nc,
            replaySubject(stream, durable),
            event,
            `replay.${durable}.${stored.seq}.${event.id}`,
          );
          await jsm.streams.deleteMessage(dead, stored.seq, false);
          replayed += 1;
        }
        return replayed;
      }),
  };
}

function decode(stored: StoredMsg): OutboxEvent {
  return decodeEvent({
    subject: stored.subject,
    data: stored.data,
    headers: stored.header,
    fallbackId: `dead.${stored.seq}`,
  });
}

async function next(
  jsm: JetStreamManager,
  stream: string,
  seq: number,
  subject: string,
): Promise<StoredMsg | undefined> {
  // The library's types have `next_by_subj` for direct gets only; the server takes it here too.
  const request = { seq, next_by_subj: subject };
  try {
    return (await jsm.streams.getMessage(stream, request)) ?? undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
