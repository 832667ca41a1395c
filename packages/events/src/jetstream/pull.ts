import { type Msg, type NatsConnection, nanos, type Subscription } from "@nats-io/transport-node";
import type { OutboxEvent } from "@wellapi/store";
import { EventsError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import { GROUP } from "./declaration.ts";
import { decodeEvent } from "./message.ts";

/** A delivery that waits for its answer. The answers are JetStream's words, sent to the message's reply subject. */
export interface Delivery {
  readonly event: OutboxEvent;
  /** In the stream; a durable meets it once, but for redeliveries. */
  readonly sequence: number;
  /** 1 at the first delivery. */
  readonly attempt: number;
  /** Resolves when the server has it. */
  settle(): Promise<void>;
  /** Does not wait: a lost answer means a redelivery. */
  settleLater(): void;
  retryAfter(ms: number): void;
  /** Gives it back, to be delivered next. Resolves when the server has it. */
  giveBack(): Promise<void>;
  /** Reports that the handler still works on it. */
  renew(): void;
}

/**
 * Requests a durable's next messages by JetStream's pull protocol. The client's own consumer requests in advance;
 * this one requests only what it can handle now, so a process that ends holds no messages.
 */
export interface Puller {
  /** The available messages, at most `limit`; waits a few seconds for the first. */
  take(limit: number): Promise<Delivery[]>;
  /**
   * Ends a `take` that waits. A message that crosses this goes back at the server; had it brought the pin, the durable
   * passes on when the server finds this process silent.
   */
  interrupt(): Promise<void>;
  /** Gives back what arrived and was not taken. */
  giveBack(): Promise<void>;
  /** Reports that this process still works for the durable, so that the durable does not pass to another. */
  keepPin(): void;
  /** Whether this process holds the durable now. */
  readonly pinned: boolean;
  close(): void;
}

const WAIT_MS = 5000;
const ANSWER_MS = 1000;
const SETTLE_MS = 2000;
/** No messages, the time is over, or the size is reached: the normal ends of a pull. */
const ENDED = new Set([404, 408]);
const PIN_LOST = 423;

interface Request {
  readonly batch: number;
  /** Without it the pull answers at once. */
  readonly waitMs?: number;
}

interface Pull {
  readonly reply: string;
  readonly wanted: number;
  readonly waits: boolean;
  end(error?: Error): void;
}

export function createPuller(connection: Connection, stream: string, durable: string): Puller {
  const asked = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`;
  let subscription:
    | { readonly nc: NatsConnection; readonly inbox: string; readonly sub: Subscription }
    | undefined;
  let pin: string | undefined;
  let arrived: Delivery[] = [];
  let round = 0;
  /** The pull under way: how many messages it requested, and what ends it. */
  let pull: Pull | undefined;
  let interrupted = false;

  // The server forgets earlier requests with the connection.
  connection.onConnected(() => pull?.end());

  const receive = (nc: NatsConnection, inbox: string, msg: Msg) => {
    if (msg.subject.startsWith(inbox)) {
      const code = msg.headers?.code ?? 0;
      if (code === PIN_LOST) pin = undefined;
      if (msg.subject !== pull?.reply) return;
      if (ENDED.has(code) || code === PIN_LOST) pull.end();
      else if (code >= 400) {
        pull.end(
          new EventsError("unavailable", `${durable} gets nothing: ${msg.headers?.description || code}`),
        );
      }
      return;
    }
    pin = msg.headers?.get("Nats-Pin-Id") || pin;
    arrived.push(createDelivery(nc, msg));
    if (pull && arrived.length >= pull.wanted) pull.end();
  };

  const subscribe = (nc: NatsConnection) => {
    if (subscription?.nc === nc && !subscription.sub.isClosed()) return subscription.inbox;
    subscription?.sub.unsubscribe();
    const inbox = `_INBOX.${crypto.randomUUID()}`;
    const sub = nc.subscribe(`${inbox}.*`, {
      callback: (error, msg) => (error ? pull?.end(error) : receive(nc, inbox, msg)),
    });
    subscription = { nc, inbox, sub };
    return inbox;
  };

  const ask = (nc: NatsConnection, reply: string, fields: object) =>
    nc.publish(asked, JSON.stringify({ group: GROUP, ...(pin && { id: pin }), ...fields }), { reply });

  /** Resolves when the pull has ended, with what arrived in `arrived`. */
  const run = async (nc: NatsConnection, { batch, waitMs }: Request): Promise<void> => {
    round += 1;
    const reply = `${subscribe(nc)}.${round}`;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, (waitMs ?? 0) + ANSWER_MS);
    pull = {
      reply,
      wanted: arrived.length + batch,
      waits: waitMs !== undefined,
      end: (error) => (error && arrived.length === 0 ? reject(error) : resolve()),
    };
    ask(nc, reply, waitMs === undefined ? { batch, no_wait: true } : { batch, expires: nanos(waitMs) });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      pull = undefined;
    }
  };

  return {
    get pinned() {
      return pin !== undefined;
    },
    async take(limit) {
      interrupted = false;
      // Messages that arrived after their pull was given up.
      if (arrived.length > 0) return arrived.splice(0, limit);
      const nc = await connection.live(performance.now() + ANSWER_MS).catch(() => undefined);
      if (!nc || interrupted) return [];
      // While another process holds the durable, the server answers only a pull that waits.
      if (pin) await run(nc, { batch: limit });
      if (arrived.length === 0 && !interrupted) {
        await run(nc, { batch: 1, waitMs: WAIT_MS });
        if (arrived.length > 0 && limit > 1 && !interrupted) await run(nc, { batch: limit - 1 });
      }
      const taken = arrived;
      arrived = [];
      // The server redelivers another process's messages in no certain order.
      return taken.sort((one, other) => one.sequence - other.sequence);
    },
    async interrupt() {
      interrupted = true;
      // One that does not wait ends by itself, with all of its messages: cut off, the server would queue what did not
      // arrive before what is given back.
      if (!pull?.waits) return;
      // The server stops sending to a subscription that is gone; messages sent before still arrive.
      await subscription?.sub.drain().catch(() => undefined);
      pull?.end();
    },
    async giveBack() {
      await giveAllBack(arrived.splice(0));
    },
    keepPin() {
      if (!subscription || !pin) return;
      // A pull by the process with the pin renews the pin. No message is as small as this size limit.
      ask(subscription.nc, `${subscription.inbox}.pin`, { batch: 1, no_wait: true, max_bytes: 1 });
    },
    close() {
      subscription?.sub.unsubscribe();
      pull?.end();
    },
  };

  function createDelivery(nc: NatsConnection, msg: Msg): Delivery {
    const reply = msg.reply!;
    const answer = (word: string) => nc.publish(reply, word);
    const { sequence, attempt } = parseReply(reply);
    return {
      event: decodeEvent({
        subject: msg.subject,
        data: msg.data,
        headers: msg.headers,
        fallbackId: `${stream}.${sequence}`,
      }),
      sequence,
      attempt,
      async settle() {
        await nc.request(reply, "+ACK", { timeout: SETTLE_MS });
      },
      settleLater: () => answer("+ACK"),
      async giveBack() {
        await nc.request(reply, "-NAK", { timeout: SETTLE_MS });
      },
      retryAfter: (ms) => answer(ms > 0 ? `-NAK ${JSON.stringify({ delay: nanos(ms) })}` : "-NAK"),
      renew: () => answer("+WPI"),
    };
  }
}

/** In their order, as they go over one connection. */
export async function giveAllBack(deliveries: readonly Delivery[]): Promise<void> {
  await Promise.all(deliveries.map((delivery) => delivery.giveBack()));
}

/**
 * `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.…`, since ADR-15 with the domain and the account
 * before the stream.
 */
function parseReply(reply: string): { sequence: number; attempt: number } {
  const words = reply.split(".");
  const at = words.length > 9 ? 6 : 4;
  return { attempt: Number(words[at]), sequence: Number(words[at + 1]) };
}
