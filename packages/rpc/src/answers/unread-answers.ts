import { Code, type ConnectError } from "@connectrpc/connect";
import type { Logger } from "@wellapi/runtime";
import { nameOf, type Principal } from "../caller/caller.ts";
import { problemError } from "../status.ts";

/** Bytes of an answer that were handed to a connection, until its reader has taken them. */
export interface UnreadBytes {
  readonly bytes: number;
  /** Whether they still wait for the reader at this instant. */
  waits(): boolean;
  /** Ends the answer at once and drops what waits: the reader has taken nothing for too long. */
  end(reason: ConnectError): void;
}

/** Limits what readers that take nothing cost the process, at the doors. */
export interface UnreadAnswers {
  /** Counts the bytes for the caller, until the returned function is called. */
  hold(caller: Principal, unread: UnreadBytes): () => void;
}

export interface UnreadAnswersOptions {
  /** A reader that takes nothing for so long ends. 60,000 unless given. */
  readonly stalledMs?: number;
  /** Most unread bytes of a caller; 64 MiB unless given. Beyond, the answer that has waited longest ends. */
  readonly bytesPerCaller?: number;
  /** The same for all callers together; 256 MiB unless given. */
  readonly bytesInAll?: number;
  /** Beyond those limits no answer ends that has waited for less than this: it may only be slow. 1,000 unless given. */
  readonly slowMs?: number;
  /** Is told of each answer that ends: over HTTP/1.1 its reader can't be told the reason. */
  readonly log?: Logger;
}

const MiB = 1_048_576;

interface Held {
  readonly caller: Principal;
  readonly account: Account;
  readonly unread: UnreadBytes;
  readonly since: number;
}

/** What waits, the oldest first. */
interface Account {
  bytes: number;
  readonly held: Set<Held>;
}

export function createUnreadAnswers(options: UnreadAnswersOptions = {}): UnreadAnswers {
  const {
    stalledMs = 60_000,
    bytesPerCaller = 64 * MiB,
    bytesInAll = 256 * MiB,
    slowMs = 1_000,
    log,
  } = options;
  const all: Account = { bytes: 0, held: new Set() };
  const accounts = new Map<string, Account>();
  let sweep: NodeJS.Timeout | undefined;

  function release(one: Held): void {
    const { caller, account, unread } = one;
    if (!all.held.delete(one)) return;
    account.held.delete(one);
    account.bytes -= unread.bytes;
    all.bytes -= unread.bytes;
    if (account.held.size === 0) accounts.delete(nameOf(caller));
  }

  /** Ends answers of the account, the oldest first, while `over` and as long as each has waited for `ms`. */
  function endOldest({ held }: Account, ms: number, over: () => boolean): void {
    const latest = performance.now() - ms;
    for (const one of held) {
      if (one.since > latest || !over()) return;
      const waits = one.unread.waits();
      release(one);
      if (!waits) continue;
      const { kind, id } = one.caller;
      const application = kind === "application" ? { application: id } : {};
      log?.info({ principal_kind: kind, ...application }, "an answer ended, because its reader took nothing");
      one.unread.end(readerStalled());
    }
  }

  return {
    hold(caller, unread) {
      const name = nameOf(caller);
      const account = accounts.get(name) ?? { bytes: 0, held: new Set() };
      accounts.set(name, account);
      const one: Held = { caller, account, unread, since: performance.now() };
      for (const counted of [account, all]) {
        counted.held.add(one);
        counted.bytes += unread.bytes;
      }
      if (account.bytes > bytesPerCaller) endOldest(account, slowMs, () => account.bytes > bytesPerCaller);
      if (all.bytes > bytesInAll) endOldest(all, slowMs, () => all.bytes > bytesInAll);
      sweep ??= setInterval(
        () => {
          endOldest(all, stalledMs, () => true);
          if (all.held.size > 0) return;
          clearInterval(sweep);
          sweep = undefined;
        },
        Math.min(1_000, stalledMs / 4),
      ).unref();
      return () => release(one);
    },
  };
}

function readerStalled(): ConnectError {
  return problemError({
    code: Code.ResourceExhausted,
    reason: "READER_STALLED",
    message:
      "the answer ended because its reader took nothing of it for too long: read on as messages arrive, or open fewer streams at a time (a watch goes on from its last resume_token)",
    retryAfterMs: 1_000,
  });
}
