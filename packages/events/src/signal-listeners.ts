import type { SignalListener } from "./port.ts";

/** The listeners of this process, by the signals' names. */
export interface SignalListeners {
  /** Returns a function that removes the listener. */
  add(name: string, listener: SignalListener): () => void;
  /** Names that have a listener now. */
  names(): readonly string[];
  received(name: string, data: Uint8Array): void;
  /** Tells every listener that signals may have been lost. */
  missed(): void;
}

/** A listener that throws does not keep the signal from others: `onError` gets the error. */
export function createSignalListeners(onError: (error: unknown) => void): SignalListeners {
  const listeners = new Map<string, Set<SignalListener>>();

  function tell(those: Iterable<SignalListener>, how: (listener: SignalListener) => void): void {
    for (const listener of [...those]) {
      try {
        how(listener);
      } catch (error) {
        onError(error);
      }
    }
  }

  return {
    add(name, listener) {
      // A new object for each call, so that one listener may be added twice.
      const added = { received: listener.received.bind(listener), missed: listener.missed.bind(listener) };
      const those = listeners.get(name) ?? new Set();
      listeners.set(name, those.add(added));
      return () => {
        those.delete(added);
        if (those.size === 0 && listeners.get(name) === those) listeners.delete(name);
      };
    },
    names: () => [...listeners.keys()],
    received: (name, data) => tell(listeners.get(name) ?? [], (listener) => listener.received(data)),
    missed() {
      for (const those of [...listeners.values()]) tell(those, (listener) => listener.missed());
    },
  };
}
