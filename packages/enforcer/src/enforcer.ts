import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { Clock, Logger } from "@wellapi/runtime";
import { createConsentLink } from "./consent-link.ts";
import { EnforcerError } from "./errors.ts";
import type { Decision, Enforcer, Question } from "./port.ts";
import { createRecallListeners } from "./recall-listeners.ts";
import { type Answer, Session, type SessionOptions } from "./session.ts";
import {
  type EnforcerParts,
  SessionDriver,
  systemTimers,
  type Timers,
  tickEveryMs,
} from "./session-driver.ts";
import { createWaiters, type Waiters } from "./waiters.ts";

export interface EnforcerOptions {
  /** Calls the consent service, authenticated for this workload. */
  readonly transport: Transport;
  /** Unique for the life of the process. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timers?: Timers;
  /** Cached decisions at most; default 100,000. */
  readonly capacity?: number;
}

/** Milliseconds. A third of the session's 1.5 s, so that one lost renewal ends nothing. */
const renewEveryMs = 500;
const openWithinMs = 1_500;
/**
 * The total time of a question: waiting for a session, asking, and asking again after a recall or at another replica.
 */
const decideWithinMs = 2_000;
/** A stopped or disconnected replica never answers: then another is asked, while time is left. */
const answerWithinMs = 900;
const asksAtMost = 8;

/** An enforcer, with its state for an operator. */
export interface OpenEnforcer extends Enforcer {
  /** Whether a session is live, and for how long, in monotonic milliseconds. */
  session(): { readonly live: boolean; readonly forMs: number };
}

/** Starts the session and keeps one for as long as it is open. Does not wait for it: see `ready`. */
export function openEnforcer(options: EnforcerOptions): OpenEnforcer {
  return runEnforcer({
    link: createConsentLink(options.transport, options.instance, answerWithinMs),
    session: new Session(sessionOptions(options.capacity)),
    clock: options.clock,
    timers: options.timers ?? systemTimers,
    log: options.log,
  });
}

/** How an enforcer runs its sessions. */
export function sessionOptions(capacity = 100_000): SessionOptions {
  return { capacity, renewEveryMs, openWithinMs };
}

/** Runs a session, and decides under it. */
export function runEnforcer(parts: EnforcerParts): OpenEnforcer {
  const { session, clock, timers, log } = parts;
  const recalls = createRecallListeners(log);
  const waiters = createWaiters(timers);
  const driver = new SessionDriver(parts, { recalled: recalls.tell, opened: waiters.wakeAll });
  driver.start();

  return {
    decide: (question) => decide(parts, driver, waiters, question),
    peek(question) {
      const decision = session.peek(question, driver.read());
      if (!decision) driver.settle();
      return decision;
    },
    isLive() {
      const live = session.isLive(driver.read());
      if (!live) driver.settle();
      return live;
    },
    onRecall: recalls.add,
    async ready(signal) {
      while (session.phase !== "live") {
        signal?.throwIfAborted();
        if (driver.closed) throw new EnforcerError("closed", "the enforcer is closed");
        await waiters.wait(tickEveryMs);
      }
    },
    session() {
      const { live, since } = driver.look();
      return { live, forMs: clock.monotonic() - since };
    },
    async close() {
      driver.close();
      waiters.wakeAll();
    },
  };
}

/** Asks until there is an answer under a live session, or the time is over. Throws EnforcerError. */
async function decide(
  { link, session, clock }: EnforcerParts,
  driver: SessionDriver,
  waiters: Waiters,
  question: Question,
): Promise<Decision> {
  const deadline = clock.monotonic() + decideWithinMs;
  let unanswered: unknown;
  for (let asks = 0; asks < asksAtMost && clock.monotonic() < deadline; asks += 1) {
    if (driver.closed) throw new EnforcerError("closed", "the enforcer is closed");
    const at = driver.read();
    const cached = session.peek(question, at);
    if (cached) return cached;
    const ask = session.ask(question, at);
    if (!ask) {
      driver.settle();
      await waiters.wait(deadline - clock.monotonic());
      continue;
    }
    let answer: Answer;
    try {
      answer = await link.decide(question);
    } catch (cause) {
      session.abandon(ask);
      unanswered = cause;
      if (isSilence(cause)) continue;
      break;
    }
    const decision = session.answer(ask, answer, driver.read());
    if (decision) return decision;
    driver.settle();
  }
  if (unanswered !== undefined) {
    throw new EnforcerError("undecided", "the consent service did not answer", { cause: unanswered });
  }
  throw new EnforcerError("undecided", "no session of the consent service was live for long enough");
}

/** The question got no answer and may be asked again. */
function isSilence(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return code === Code.DeadlineExceeded || code === Code.Unavailable;
}
