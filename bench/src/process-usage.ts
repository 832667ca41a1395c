import { readFileSync } from "node:fs";

/** Clock ticks a second in /proc; 100 on every Linux that Node supports. */
const ticksPerSecond = 100;

export interface Usage {
  /** User and system time of all threads since the start, seconds. */
  readonly cpuSeconds: number;
  /** Resident memory, bytes. */
  readonly rssBytes: number;
}

/** What a process has used so far (proc(5)). Linux only. */
export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold spaces: count from behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kiB = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN);
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    rssBytes: kiB * 1024,
  };
}
