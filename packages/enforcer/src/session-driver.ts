import type { Clock, Logger } from "@wellapi/runtime";
import type { ConsentLink, WatchStream } from "./consent-link.ts";
import type { ClockReading } from "./lease.ts";
import type { Recall } from "./port.ts";
import type { Incoming, Session } from "./session.ts";

/** Timers, passed in so that tests decide them. */
export interface Timers {
  /** Runs once, not before `ms` milliseconds; the returned function cancels. */
  after(ms: number, run: () => void): () => void;
}

export const systemTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export interface EnforcerParts {
  readonly link: ConsentLink;
  readonly session: Session;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
  /** From 0 to 1; default: `Math.random`. */
  readonly random?: () => number;
}

/** Gets the events of the session. */
export interface SessionListener {
  /** The recall; undefined if the session, and all its decisions, ended. False if a listener has not released. */
  recalled(recall: Recall | undefined): boolean;
  /** A session is live. */
  opened(): void;
}

/** How soon the end of a session is noticed without calls; open streams learn of it then. */
export const tickEveryMs = 100;
const shortestBackoffMs = 50;
const longestBackoffMs = 1_000;

/** Keeps a session open: it owns the stream and the timers, and connects again when a session has ended. */
export class SessionDriver {
  readonly #parts: EnforcerParts;
  readonly #listener: SessionListener;
  readonly #random: () => number;
  #stream: WatchStream | undefined;
  #backoffMs = shortestBackoffMs;
  #closed = false;
  #wasOpen = false;
  #state: { readonly live: boolean; readonly since: number };
  #cancelTick = () => {};
  #cancelConnect = () => {};

  constructor(parts: EnforcerParts, listener: SessionListener) {
    this.#parts = parts;
    this.#listener = listener;
    this.#random = parts.random ?? Math.random;
    this.#state = { live: false, since: parts.clock.monotonic() };
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** One look at both clocks. */
  read(): ClockReading {
    const { clock } = this.#parts;
    return { wall: clock.now(), monotonic: clock.monotonic() };
  }

  /** Connects. Does not wait for a session. */
  start(): void {
    this.#connect();
    this.#cancelTick = this.#parts.timers.after(tickEveryMs, () => this.#tick());
  }

  close(): void {
    this.#closed = true;
    this.#cancelTick();
    this.#cancelConnect();
    this.#parts.session.end();
    this.settle();
  }

  /** Whether a session is live, and since when. An opening session is not live: nothing is decided under it. */
  look(): { readonly live: boolean; readonly since: number } {
    const { session, clock } = this.#parts;
    const live = session.phase === "live";
    if (live !== this.#state.live) this.#state = { live, since: clock.monotonic() };
    return this.#state;
  }

  /** If the session has ended: closes its stream, calls the listener, connects again. */
  settle(): void {
    const { session, timers, log } = this.#parts;
    this.look();
    if (session.phase !== "none" || !this.#stream) return;
    const ended = this.#stream;
    this.#stream = undefined;
    ended.close();
    this.#listener.recalled(undefined);
    if (this.#closed) return;
    // What ended one session ended others: they are not to come back all at once.
    const backoffMs = this.#backoffMs * (0.5 + this.#random() / 2);
    if (this.#isNotable()) {
      log.warn(
        { delay_ms: Math.round(backoffMs) },
        "the consent session ended; nothing is decided until another is open",
      );
    }
    this.#cancelConnect = timers.after(backoffMs, () => this.#connect());
    this.#backoffMs = Math.min(longestBackoffMs, this.#backoffMs * 2);
  }

  #connect(): void {
    const { session, link, log } = this.#parts;
    const at = this.read(); // before anything is sent
    const messages = session.connect(at);
    let mine: WatchStream | undefined;
    let failed = false;
    mine = link.watch({
      message: (message) => {
        if (this.#stream === mine) this.#receive(message);
      },
      ended: (error) => {
        failed = true;
        if (this.#stream !== mine || mine === undefined) return;
        if (error !== undefined && this.#isNotable())
          log.warn({ err: error }, "the consent session's stream broke");
        session.end();
        this.settle();
      },
    });
    this.#stream = mine;
    if (failed) session.end();
    for (const message of messages) mine.send(message);
    this.settle();
  }

  #receive(message: Incoming): void {
    const { session } = this.#parts;
    const before = session.phase;
    const replies = session.receive(message, this.read());
    // Listeners release what they hold of the patient before the acknowledgement is sent. If one cannot, it would go
    // on using it: then there is no acknowledgement, and no session any more.
    if (message.kind === "recall" && session.phase === "live" && !this.#listener.recalled(message)) {
      session.end();
    }
    if (session.phase === "live") for (const reply of replies) this.#stream?.send(reply);
    if (before === "opening" && session.phase === "live") {
      this.#backoffMs = shortestBackoffMs;
      this.#wasOpen = true;
      this.#listener.opened();
    }
    this.settle();
  }

  #tick(): void {
    const { session, timers } = this.#parts;
    for (const message of session.tick(this.read())) this.#stream?.send(message);
    this.settle();
    this.#cancelTick = timers.after(tickEveryMs, () => this.#tick());
  }

  /**
   * A process that starts beside others, or on a busy machine, may fail to open a session at first: no session has
   * ended then.
   */
  #isNotable(): boolean {
    return this.#wasOpen || this.#backoffMs > shortestBackoffMs;
  }
}
