import type { SignalListener } from "@wellapi/events";
import type { PeerSignals } from "../src/blocks/peer-commits.ts";

/** Carries signals between replicas in this process, and loses them where a test says so. */
export function openSignalBus() {
  const listeners = new Set<{ readonly name: string; readonly listener: SignalListener }>();
  let sent = 0;
  let lost = 0;
  return {
    lose: false,
    sent: () => sent,
    lost: () => lost,
    /** As after a reconnection: every listener is told. */
    missed() {
      for (const { listener } of listeners) listener.missed();
    },
    connect(): PeerSignals {
      return {
        signal: (name, data) => {
          sent += 1;
          if (this.lose) {
            lost += 1;
            return;
          }
          setImmediate(() => {
            for (const each of listeners) if (each.name === name) each.listener.received(data);
          });
        },
        onSignal(name, listener) {
          const added = { name, listener };
          listeners.add(added);
          return () => listeners.delete(added);
        },
      };
    },
  };
}
