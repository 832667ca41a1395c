import { type Clock, createLoop, type Logger } from "@wellapi/runtime";
import type { Change, Document, Store } from "@wellapi/store";
import type { ItemSealer } from "@wellapi/vault";
import { collections } from "../collections.ts";
import type { Mail, Mailer } from "./mailer.ts";

type AlertDocument = Document & {
  readonly id: string;
  /** When it is tried next, UTC milliseconds. */
  readonly dueTime: number;
  readonly tries: number;
  readonly sealed: Uint8Array;
};

/** Mail that must not be lost: it is stored with the change that it tells of, and sent until it went out. */
export interface AlertOutbox {
  /**
   * Belongs to the commit of the change, in the partition of that. Of a mail that has an id one waits at a time: another's commit is not made.
   */
  insertion(partition: string, mail: Mail): Change;
  /** After the commit. */
  kick(): void;
  /** Of something that changed nothing. */
  add(partition: string, mail: Mail): Promise<void>;
  close(): Promise<void>;
}

/** The first try is this long before the second; it doubles. */
const backoffMs = 600_000;
/** After about three days it is given up. */
const mostTries = 10;
const atOnce = 50;

/** Sends at once what an earlier run left, then after each `kick` and every ten minutes. */
export function openAlertOutbox(options: {
  readonly store: Store;
  readonly mailer: Mailer;
  readonly sealer: ItemSealer;
  readonly clock: Clock;
  readonly log: Logger;
}): AlertOutbox {
  const { store, mailer, sealer, clock, log } = options;
  const { alerts: collection } = collections;
  const place = (partition: string, id: string) => [collection, partition, id];

  async function deliver(document: AlertDocument, revision: number): Promise<void> {
    const { partition, id, tries, sealed } = document;
    const later = { ...document, tries: tries + 1, dueTime: clock.now() + backoffMs * 2 ** tries };
    // Whoever moves its time sends it: another replica goes on.
    const claimed = await store.commit({
      partition,
      changes: [{ kind: "replace", collection, document: later, ifRevision: revision }],
    });
    if (!claimed.committed) return;
    let sent = true;
    try {
      await mailer.send(
        JSON.parse(Buffer.from(sealer.open(place(partition, id), sealed)).toString()) as Mail,
      );
    } catch (err) {
      sent = false;
      log.warn({ err, attempt: tries + 1 }, "an alert to a person could not be sent");
    }
    if (!sent && tries + 1 < mostTries) return;
    await store.commit({ partition, changes: [{ kind: "delete", collection, key: [partition, id] }] });
  }

  async function work(): Promise<void> {
    const { documents } = await store.scan<AlertDocument>(collection, {
      index: "due",
      equals: [],
      range: { to: clock.now() + 1 },
      limit: atOnce,
    });
    for (const { document, revision } of documents) await deliver(document, revision);
  }

  const onError = (err: unknown) => log.warn({ err }, "alerts to people wait; trying again");
  let running = work().catch(onError);
  const loop = createLoop({ everyMs: backoffMs, work: () => work(), onError });
  function insertion(partition: string, mail: Mail): Change {
    const id = mail.id ?? crypto.randomUUID();
    const sealed = sealer.seal(place(partition, id), Buffer.from(JSON.stringify(mail)));
    const document: AlertDocument = { partition, id, dueTime: clock.now(), tries: 0, sealed };
    return { kind: "insert", collection, document };
  }
  function kick(): void {
    running = running.then(work).catch(onError);
  }

  return {
    insertion,
    kick,
    async add(partition, mail) {
      await store.commit({ partition, changes: [insertion(partition, mail)] });
      kick();
    },
    async close() {
      await loop.close();
      await running;
    },
  };
}
