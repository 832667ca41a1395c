import { setTimeout as pause } from "node:timers/promises";
import { type AnswerPlacesOptions, createAnswerPlaces, type Turn } from "./answer-places.ts";
import type { AnswerTarget } from "./held-answer.ts";
import { onceOver } from "./request-over.ts";
import type { SendQueues } from "./send-queues.ts";

/**
 * Paces answers of many messages over HTTP/1.1, which has no windows: what a reader does not take goes into the kernel's
 * buffers, megabytes of it, and each message of that was made for nobody. Of a caller with few open answers none is paced.
 */
export interface PacedAnswers {
  /**
   * Follows an answer to the caller until it is over. `staysOpen`: it waits for what comes, and is silent while nothing
   * does; any other answer is made as fast as its reader takes it.
   */
  follow(target: AnswerTarget, caller: string, kind: { readonly staysOpen: boolean }): PacedAnswer;
}

export interface PacedAnswer {
  /** Resolves when the first message may be made. `late`, as that of `sent`: the answer has to end, and to say why. */
  begin(): Promise<Turn>;
  /**
   * So many bytes more of the answer were written. Resolves when the next message may be made: once its reader's machine has
   * acknowledged enough of what was sent, or the answer is over.
   */
  sent(bytes: number): Promise<Turn>;
  /** Whether its reader takes nothing at this instant. */
  waits(): boolean;
  /** From now on it is not paced: it is about to end, and has to say why. */
  release(): void;
}

/** A machine acknowledges what its own buffer takes while nobody reads: 130 to 310 KB were seen of Linux. */
const shownBytes = 524_288;
/** What may wait of an answer whose reader has not shown so far that it reads; afterwards as much as it has taken. */
const unshownBytes = 16_384;
/** How long it is not looked again, doubled from look to look. */
const looksMs = { first: 10, longest: 640 };
/** An answer that stays open, and has been silent for so long, has told what there was. */
const silentMs = 200;

export function createPacedAnswers(queues: SendQueues, options: AnswerPlacesOptions = {}): PacedAnswers {
  const places = createAnswerPlaces(options);
  return {
    follow(target, caller, { staysOpen }) {
      const place = places.open(caller);
      let sent = 0;
      let acknowledged = 0;
      let waiting = false;
      let free = false;
      let silence: NodeJS.Timeout | undefined;
      const { promise: freed, resolve } = Promise.withResolvers<void>();
      const release = (): void => {
        free = true;
        clearTimeout(silence);
        place.leave();
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
        if (hasShown()) place.leave();
        return !free && held > mayWait();
      }
      const wait = (ms: number): Promise<void> => Promise.race([pause(ms), freed]);
      async function untilTaken(): Promise<void> {
        for (let ms = looksMs.first; await isBehind(); ms = Math.min(2 * ms, looksMs.longest)) {
          waiting = true;
          await wait(untilMultiple(ms));
        }
        waiting = false;
      }
      const enter = async (): Promise<Turn> => (free || hasShown() ? "next" : place.enter());

      return {
        async begin() {
          return staysOpen ? "next" : enter();
        },
        async sent(bytes) {
          sent += bytes;
          clearTimeout(silence);
          if (staysOpen && sent <= unshownBytes) return "next";
          if ((await enter()) === "late") return "late";
          if (hasShown() || place.isCrowded()) await untilTaken();
          if (staysOpen && !free) silence = setTimeout(place.leave, silentMs).unref();
          return "next";
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
