import { setTimeout as pause } from "node:timers/promises";
import type { AnswerTarget } from "./held-answer.ts";
import { onceOver } from "./request-over.ts";
import type { SendQueues } from "./send-queues.ts";

/**
 * Paces answers of many messages over HTTP/1.1, which has no windows: what a reader does not take goes into the kernel's
 * buffers, megabytes of it, and each message of that was made for nobody. Of a caller with few open answers none is paced.
 */
export interface PacedAnswers {
  /** Follows an answer to the caller until it is over. */
  follow(target: AnswerTarget, caller: string): PacedAnswer;
}

export interface PacedAnswer {
  /**
   * So many bytes more of the answer were written. Resolves when the next message may be made: once its reader's machine has
   * acknowledged enough of what was sent and it is the answer's turn, or the answer is over.
   */
  sent(bytes: number): Promise<void>;
  /** Whether its reader takes nothing at this instant. */
  waits(): boolean;
  /** From now on it is not paced: it is about to end, and has to say why. */
  release(): void;
}

/** So many answers of a caller whose readers have not shown that they read can't hold much. */
const usualFew = 100;
/** A machine acknowledges what its own buffer takes while nobody reads: 130 to 310 KB were seen of Linux. */
const shownBytes = 524_288;
/** What may wait of an answer whose reader has not shown so far that it reads; afterwards as much as it has taken. */
const unshownBytes = 16_384;
/** What a caller's readers get in all who have not shown that they read: about 16 messages of samples a second. */
const bytesAMs = 1_048_576 / 1_000;
/** What comes behind the first message, which is small. */
const nextBytes = 65_536;
/** How long it is not looked again, doubled from look to look. */
const looksMs = { first: 10, longest: 640 };
/** While it waits for its turn, others may end. */
const turnsMs = 500;

/** A caller with open answers whose readers have not shown that they read. */
interface Account {
  unshown: number;
  /** When the next of them has its turn; monotonic milliseconds. */
  turnAt: number;
}

export function createPacedAnswers(queues: SendQueues, few = usualFew): PacedAnswers {
  const accounts = new Map<string, Account>();

  function enter(caller: string): { readonly account: Account; leave(): void } {
    const account = accounts.get(caller) ?? { unshown: 0, turnAt: 0 };
    accounts.set(caller, account);
    account.unshown += 1;
    let left = false;
    return {
      account,
      leave() {
        if (left) return;
        left = true;
        account.unshown -= 1;
        if (account.unshown === 0) accounts.delete(caller);
      },
    };
  }

  return {
    follow(target, caller) {
      const { account, leave } = enter(caller);
      let sent = 0;
      let acknowledged = 0;
      let waiting = false;
      let free = false;
      const { promise: freed, resolve } = Promise.withResolvers<void>();
      const release = (): void => {
        free = true;
        leave();
        resolve();
      };
      onceOver(target, release);

      const hasShown = (): boolean => acknowledged >= shownBytes;
      const mayWait = (): number => (hasShown() ? acknowledged : unshownBytes);
      async function isBehind(): Promise<boolean> {
        const { socket } = target;
        if (free || socket === null || sent - acknowledged <= mayWait()) return false;
        const held = await queues.of(socket);
        if (held === undefined) {
          release(); // It could never show that it reads.
          return false;
        }
        acknowledged = Math.max(acknowledged, sent - held - target.writableLength);
        if (hasShown()) leave();
        return !free && held > mayWait();
      }
      const wait = (ms: number): Promise<void> => Promise.race([pause(ms), freed]);
      async function turn(bytes: number): Promise<void> {
        const at = Math.max(account.turnAt, performance.now()) + bytes / bytesAMs;
        account.turnAt = at;
        for (let left = at - performance.now(); left > 0; left = at - performance.now()) {
          if (free || account.unshown <= few) return;
          await wait(Math.min(left, turnsMs));
        }
      }

      return {
        async sent(bytes) {
          const due = sent === 0 ? Math.max(bytes, nextBytes) : bytes;
          sent += bytes;
          if (free || account.unshown <= few) return;
          for (let ms = looksMs.first; await isBehind(); ms = Math.min(2 * ms, looksMs.longest)) {
            waiting = true;
            await wait(untilMultiple(ms));
          }
          waiting = false;
          if (!free && !hasShown()) await turn(due);
        },
        waits: () => waiting,
        release,
      };
    },
  };
}

/** Answers that wait are looked at together. */
function untilMultiple(ms: number): number {
  return ms - (performance.now() % ms);
}
