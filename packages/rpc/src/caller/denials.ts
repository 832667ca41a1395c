import type { DescMethod } from "@bufbuild/protobuf";
import type { Logger } from "@wellapi/runtime";
import { type Caller, nameOf } from "./caller.ts";

/** Calls that the callers' table refuses at a door: each caller's leave an entry in the log of accesses, at a bounded rate. */
export interface Denials {
  /** Never throws and never waits: the refusal is answered meanwhile. */
  denied(caller: Caller, method: DescMethod, reason: string): void;
  /** Reports what was counted since. */
  close(): Promise<void>;
}

export interface DenialsOptions {
  /** Leaves an entry that stands for this many calls. */
  readonly report: (caller: Caller, method: DescMethod, count: number, reason: string) => Promise<unknown>;
  readonly log: Logger;
  /** A caller's denials of one RPC leave one entry at once, and then one in this time; 60,000 unless given. */
  readonly everyMs?: number;
  /** Callers and RPCs that are counted at a time; 1,000 unless given. What comes beyond is only logged, as a count. */
  readonly most?: number;
}

interface Counted {
  /** With the newest token: a report is made by the caller itself. */
  caller: Caller;
  readonly method: DescMethod;
  readonly reason: string;
  count: number;
  failures: number;
}

/** A token lives for five minutes, so a report that fails again and again is given up while it could still be made. */
const mostFailures = 3;

export function createDenials({ report, log, everyMs = 60_000, most = 1_000 }: DenialsOptions): Denials {
  const counted = new Map<string, Counted>();
  const reports = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let lost = 0;

  async function send(one: Counted): Promise<void> {
    const { count } = one;
    one.count = 0;
    try {
      await report(one.caller, one.method, count, one.reason);
      one.failures = 0;
    } catch (err) {
      one.failures += 1;
      if (one.failures < mostFailures) one.count += count;
      else lost += count;
      log.warn({ err, attempt: one.failures }, "calls that were refused have no entry yet");
    }
  }

  function start(one: Counted): void {
    const sent: Promise<void> = send(one).finally(() => reports.delete(sent));
    reports.add(sent);
  }

  function look(): void {
    for (const [key, one] of counted) {
      if (one.count > 0) start(one);
      else counted.delete(key);
    }
    if (lost > 0) log.warn({ count: lost }, "calls that were refused leave no entry");
    lost = 0;
    timer = counted.size > 0 ? setTimeout(look, everyMs).unref() : undefined;
  }

  return {
    denied(caller, method, reason) {
      const rpc = `${method.parent.typeName}/${method.name}`;
      const key = `${nameOf(caller.principal)} ${caller.principal.credential} ${rpc} ${reason}`;
      const known = counted.get(key);
      if (known !== undefined) {
        known.caller = caller;
        known.count += 1;
      } else if (counted.size >= most) {
        lost += 1;
      } else {
        const one: Counted = { caller, method, reason, count: 1, failures: 0 };
        counted.set(key, one);
        timer ??= setTimeout(look, everyMs).unref();
        start(one);
      }
    },
    async close() {
      clearTimeout(timer);
      await Promise.all(reports);
      for (const one of counted.values()) if (one.count > 0) start(one);
      await Promise.all(reports);
      if (lost > 0) log.warn({ count: lost }, "calls that were refused leave no entry");
    },
  };
}
