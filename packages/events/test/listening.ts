import type { Signals } from "../src/index.ts";

/** Who listens to a signal, keeps what came as text, and tells when something came or may have been lost. */
export function listen(signals: Signals, name: string) {
  const got: string[] = [];
  const waiting = new Set<() => void>();
  let missed = 0;
  const tell = () => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const stop = signals.onSignal(name, {
    received(data) {
      got.push(new TextDecoder().decode(data));
      tell();
    },
    missed() {
      missed += 1;
      tell();
    },
  });
  return {
    got,
    stop,
    missed: () => missed,
    /** Resolves once this holds; the test's timeout is its limit. */
    async until(holds: () => boolean): Promise<void> {
      while (!holds()) await new Promise<void>((resolve) => waiting.add(resolve));
    },
  };
}
