import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";

/** How much memory a process may take, page cache included. */
export interface MemoryCap {
  /** Once the process has ended. */
  readonly remove: () => void;
}

/** Where each version of Linux's control groups takes its limit (cgroups(7)). */
const layouts = [
  { root: "/sys/fs/cgroup/memory", file: "memory.limit_in_bytes" },
  { root: "/sys/fs/cgroup", file: "memory.max" },
] as const;

/** Undefined where this user may not cap memory, or the machine has no control groups for it. */
export function capMemory(pid: number, bytes: number): MemoryCap | undefined {
  for (const { root, file } of layouts) {
    const group = `${root}/wellapi-bench-${pid}`;
    const remove = () => {
      if (existsSync(group)) rmdirSync(group);
    };
    try {
      mkdirSync(group);
      writeFileSync(`${group}/${file}`, String(bytes));
      writeFileSync(`${group}/cgroup.procs`, String(pid));
      return { remove };
    } catch (error) {
      if (!(error instanceof Error && "code" in error)) throw error;
      remove();
    }
  }
  return undefined;
}
