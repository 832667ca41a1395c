import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import { checkSignal } from "../check.ts";
import type { SignalListener } from "../port.ts";
import { createSignalListeners } from "../signal-listeners.ts";
import type { Connection } from "./connection.ts";
import { signalSubject } from "./message.ts";

/** Signals as plain NATS messages: no stream holds their subjects. */
export interface PlainSignals {
  send(name: string, data: Uint8Array): void;
  listen(name: string, listener: SignalListener): () => void;
  /** Later signals are dropped. */
  close(): void;
}

export function createPlainSignals(
  connection: Connection,
  stream: string,
  onError: (error: unknown) => void,
): PlainSignals {
  const listeners = createSignalListeners(onError);
  let closed = false;
  /** The client subscribes again when it reconnects; a connection that was given up loses its subscriptions. */
  let subscribed: { readonly nc: NatsConnection; readonly byName: Map<string, Subscription> } | undefined;

  function subscribe(nc: NatsConnection, name: string): void {
    if (subscribed?.nc !== nc) subscribed = { nc, byName: new Map() };
    const { byName } = subscribed;
    if (byName.get(name)?.isClosed() === false) return;
    const subscription = nc.subscribe(signalSubject(stream, name), {
      // A copy: the client reads into a shared buffer.
      callback: (error, msg) => (error ? onError(error) : listeners.received(name, new Uint8Array(msg.data))),
    });
    byName.set(name, subscription);
  }

  connection.onConnected((nc) => {
    if (closed) return;
    for (const name of listeners.names()) subscribe(nc, name);
    // Signals sent before the server had the subscriptions did not come. The subscriptions are there once it answers.
    nc.flush().then(
      () => listeners.missed(),
      // Another connection follows.
      () => undefined,
    );
  });

  return {
    send(name, data) {
      checkSignal(name, data.byteLength);
      // Without a connection the client would buffer it until it reconnects, and then drop it. A copy, because the
      // client sends it later, and the caller may change the original.
      if (!closed) connection.current()?.publish(signalSubject(stream, name), new Uint8Array(data));
    },
    listen(name, listener) {
      checkSignal(name);
      const remove = listeners.add(name, listener);
      const nc = connection.current();
      if (nc) subscribe(nc, name);
      return () => {
        remove();
        if (listeners.names().includes(name)) return;
        subscribed?.byName.get(name)?.unsubscribe();
        subscribed?.byName.delete(name);
      };
    },
    close() {
      closed = true;
      for (const subscription of subscribed?.byName.values() ?? []) subscription.unsubscribe();
    },
  };
}
