import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

/** Where a result comes from. No names of hosts or people. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly kernel: string;
  readonly node: string;
  /** One-minute load average when the run began: above 0.5 the machine was not ours alone. */
  readonly loadBefore: number;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    node: process.version,
    loadBefore: Math.round(loadavg()[0]! * 100) / 100,
  };
}
