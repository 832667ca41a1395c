import { afterEach, beforeEach, describe, vi } from "vitest";
import { createMemoryCounters } from "../src/index.ts";
import { type CountersUnderTest, describeCounters } from "./contract.ts";

describe("counters in memory", () => {
  let opened: CountersUnderTest;
  beforeEach(() => {
    vi.useFakeTimers();
    opened = {
      counters: createMemoryCounters({ windowSeconds: 10 }),
      passWindow: async () => {
        await vi.advanceTimersByTimeAsync(10_001);
      },
    };
  });
  afterEach(() => vi.useRealTimers());

  describeCounters(() => opened, 10);
});
