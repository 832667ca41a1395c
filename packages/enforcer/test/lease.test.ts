import { describe, expect, it } from "vitest";
import { clockToleranceMs, leaseEnd, type SessionLease } from "../src/lease.ts";

const lease: SessionLease = { start: { wall: 1_700_000_000_000, monotonic: 5_000 }, ttlMs: 1_500 };
const after = (monotonicMs: number, wallMs = monotonicMs) => ({
  wall: lease.start.wall + wallMs,
  monotonic: lease.start.monotonic + monotonicMs,
});

describe("a lease", () => {
  it("holds up to its time to live, and not at it", () => {
    expect(leaseEnd(lease, after(0))).toBeUndefined();
    expect(leaseEnd(lease, after(1_499))).toBeUndefined();
    expect(leaseEnd(lease, after(1_500))).toBe("expired");
  });

  it("does not hold before it began: a clock that goes backwards is believed in nothing", () => {
    expect(leaseEnd(lease, after(-1))).toBe("expired");
  });

  it("ends where the machine was suspended while its monotonic clock stood still", () => {
    expect(leaseEnd(lease, after(100, 60_000))).toBe("clocks_disagree");
  });

  it("ends where the wall clock is set back", () => {
    expect(leaseEnd(lease, after(100, -3_600_000))).toBe("clocks_disagree");
  });

  it("bears what a time daemon corrects", () => {
    expect(leaseEnd(lease, after(500, 500 + clockToleranceMs))).toBeUndefined();
    expect(leaseEnd(lease, after(500, 500 - clockToleranceMs))).toBeUndefined();
    expect(leaseEnd(lease, after(500, 501 + clockToleranceMs))).toBe("clocks_disagree");
  });
});
