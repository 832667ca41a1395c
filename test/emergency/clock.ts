import { vi } from "vitest";

/** The time of this process, and of the exchange that runs in it. */
export interface MovableClock {
  /** Goes on from now by so many milliseconds more. */
  move(byMs: number): void;
  restore(): void;
}

/** Both clocks, the wall's and the monotonic one, go on together; timers stay true. */
export function openMovableClock(): MovableClock {
  const True = Date;
  let ahead = 0;
  const now = () => True.now() + ahead;
  const Moved = new Proxy(True, {
    construct: (target, given, made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made),
    get: (target, name, receiver) => (name === "now" ? now : Reflect.get(target, name, receiver)),
  });
  vi.stubGlobal("Date", Moved);
  const monotonic = performance.now.bind(performance);
  const spy = vi.spyOn(performance, "now").mockImplementation(() => monotonic() + ahead);
  return {
    move(byMs) {
      ahead += byMs;
    },
    restore() {
      spy.mockRestore();
      vi.unstubAllGlobals();
    },
  };
}
