import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { Clock, Logger } from "@wellapi/runtime";
import { type ConsentLink, createConsentLink, type WatchStream } from "./consent-link.ts";
import { EnforcerError } from "./errors.ts";
import type { Reading } from "./lease.ts";
import type { Enforcer, Question, Recall, Verdict } from "./port.ts";
import { type Answer, type Incoming, Session, type SessionOptions } from "./session.ts";

/** Timers, passed in so that tests decide them. */
export interface Timers {
  /** Runs once, not before `ms` milliseconds; the function given back cancels. */
  after(ms: number, run: () => void): () => void;
}

export const systemTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export interface EnforcerOptions {
  /** To the consent service, authenticated for this workload. */
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
/** How soon a lapse is noticed where nobody asks; open streams hear of it then. */
const tickEveryMs = 100;
const shortestBackoffMs = 50;
const longestBackoffMs = 1_000;
/** A question's whole patience: waiting for a session, asking, asking again after a recall or of another replica. */
const decideWithinMs = 2_000;
/** One that is stopped or cut off never answers: then another is asked, while there is patience left. */
const answerWithinMs = 900;
const asksAtMost = 8;

/** An enforcer, and what an operator sees of it. */
export interface OpenEnforcer extends Enforcer {
  /** Whether a session is live, and for how long it has been so, in monotonic milliseconds. */
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

export interface EnforcerParts {
  readonly link: ConsentLink;
  readonly session: Session;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
}

/** Drives the state machine: it owns the stream, the timers and who waits. */
export function runEnforcer({ link, session, clock, timers, log }: EnforcerParts): OpenEnforcer {
  const listeners = new Set<(recall: Recall | undefined) => void>();
  const waiting = new Set<() => void>();
  let stream: WatchStream | undefined;
  let backoffMs = shortestBackoffMs;
  let closed = false;
  let wasOpen = false;
  let state = { live: false, since: clock.monotonic() };
  let cancelTick = () => {};
  let cancelConnect = () => {};

  const read = (): Reading => ({ wall: clock.now(), monotonic: clock.monotonic() });

  /** A process that starts beside the others, or on a busy machine, may open none at its first try: nothing has ended. */
  function isNotable(): boolean {
    return wasOpen || backoffMs > shortestBackoffMs;
  }

  function connect(): void {
    const at = read(); // before anything is sent
    const messages = session.connect(at);
    let mine: WatchStream | undefined;
    let failed = false;
    mine = link.watch({
      message(message) {
        if (stream === mine) receive(message);
      },
      ended(error) {
        failed = true;
        if (stream !== mine || mine === undefined) return;
        if (error !== undefined && isNotable())
          log.warn({ err: error }, "the consent session's stream broke");
        session.end();
        settle();
      },
    });
    stream = mine;
    if (failed) session.end();
    for (const message of messages) mine.send(message);
    settle();
  }

  function receive(message: Incoming): void {
    const before = session.phase;
    const replies = session.receive(message, read());
    // Whoever holds something of the patient lets go of it before the acknowledgement leaves. One that can't would go on
    // using it: then there is no acknowledgement, and no session any more.
    if (message.kind === "recall" && session.phase === "live" && !notify(message)) session.end();
    if (session.phase === "live") for (const reply of replies) stream?.send(reply);
    if (before === "opening" && session.phase === "live") {
      backoffMs = shortestBackoffMs;
      wasOpen = true;
      for (const wake of [...waiting]) wake();
    }
    settle();
  }

  function tick(): void {
    for (const message of session.tick(read())) stream?.send(message);
    settle();
    cancelTick = timers.after(tickEveryMs, tick);
  }

  /** Opening is no session: nothing is decided under it. */
  function look(): typeof state {
    const live = session.phase === "live";
    if (live !== state.live) state = { live, since: clock.monotonic() };
    return state;
  }

  /** Where the session has ended: closes its stream, tells the listeners, connects again. */
  function settle(): void {
    look();
    if (session.phase !== "none" || !stream) return;
    const ended = stream;
    stream = undefined;
    ended.close();
    notify(undefined);
    if (closed) return;
    if (isNotable()) {
      log.warn(
        { delay_ms: backoffMs },
        "the consent session ended; nothing is decided until another is open",
      );
    }
    cancelConnect = timers.after(backoffMs, connect);
    backoffMs = Math.min(longestBackoffMs, backoffMs * 2);
  }

  /** Tells everybody; whether all of them have let go. */
  function notify(recall: Recall | undefined): boolean {
    let heeded = true;
    for (const listener of [...listeners]) {
      try {
        listener(recall);
      } catch (error) {
        heeded = false;
        log.error({ err: error }, "a listener to recalls failed");
      }
    }
    return heeded;
  }

  /** Resolves once a session is live or the enforcer is closed, at the latest after `withinMs`. */
  function live(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        waiting.delete(wake);
        cancel();
        resolve();
      };
      const cancel = timers.after(withinMs, wake);
      waiting.add(wake);
    });
  }

  async function decide(question: Question): Promise<Verdict> {
    const deadline = clock.monotonic() + decideWithinMs;
    let unanswered: unknown;
    for (let asks = 0; asks < asksAtMost && clock.monotonic() < deadline; asks += 1) {
      if (closed) throw new EnforcerError("closed", "the enforcer is closed");
      const at = read();
      const cached = session.peek(question, at);
      if (cached) return cached;
      const ask = session.ask(question, at);
      if (!ask) {
        settle();
        await live(deadline - clock.monotonic());
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
      const verdict = session.answer(ask, answer, read());
      if (verdict) return verdict;
      settle();
    }
    if (unanswered !== undefined) {
      throw new EnforcerError("undecided", "the consent service did not answer", { cause: unanswered });
    }
    throw new EnforcerError("undecided", "no session of the consent service was live for long enough");
  }

  connect();
  cancelTick = timers.after(tickEveryMs, tick);

  return {
    decide,
    peek(question) {
      const verdict = session.peek(question, read());
      if (!verdict) settle();
      return verdict;
    },
    isLive() {
      const live = session.isLive(read());
      if (!live) settle();
      return live;
    },
    onRecall(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async ready(signal) {
      while (session.phase !== "live") {
        signal?.throwIfAborted();
        if (closed) throw new EnforcerError("closed", "the enforcer is closed");
        await live(tickEveryMs);
      }
    },
    session() {
      const { live, since } = look();
      return { live, forMs: clock.monotonic() - since };
    },
    async close() {
      closed = true;
      cancelTick();
      cancelConnect();
      session.end();
      settle();
      for (const wake of [...waiting]) wake();
    },
  };
}

/** Nothing was said about the question: it may be asked again. */
function isSilence(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return code === Code.DeadlineExceeded || code === Code.Unavailable;
}
