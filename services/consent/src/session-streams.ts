import type { Clock, Ids, Logger } from "@wellapi/runtime";
import { ConsentError } from "./errors.ts";
import type { OwedRecall, Sessions } from "./session-repository.ts";

export type FromEnforcer =
  | { readonly kind: "open"; readonly enforcer: string }
  | { readonly kind: "renew"; readonly sequence: number }
  | { readonly kind: "acknowledge"; readonly recall: string };

export type ToEnforcer =
  | { readonly kind: "opened"; readonly session: string; readonly ttlMs: number }
  | { readonly kind: "renewed"; readonly sequence: number }
  | ({ readonly kind: "recall" } & OwedRecall);

/** One stream, as its handler uses it: one message after the other. */
export interface SessionStream {
  /** Rejects where the stream must end. */
  receive(message: FromEnforcer): Promise<void>;
  /** The stream ended, for any reason. The session stays stored until it has surely run out. */
  closed(): void;
}

/** How long a session lives without renewal; the enforcer counts from before it asked. */
export const sessionTtlMs = 1_500;

export interface SessionStreamsOptions {
  readonly sessions: Sessions;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  /** Called when the stream of a session ends, with the session. */
  readonly onClosed: (session: string) => void;
}

/** The streams that this replica holds. */
export class SessionStreams {
  readonly #options: SessionStreamsOptions;
  readonly #senders = new Map<string, (message: ToEnforcer) => void>();
  readonly #watchers = new Map<string, Set<() => void>>();

  constructor(options: SessionStreamsOptions) {
    this.#options = options;
  }

  /**
   * Pushes a recall where this replica holds the stream; elsewhere its holder finds it at the next renewal. True where it is held here:
   * nobody else will get the acknowledgement.
   */
  push(session: string, recall: OwedRecall): boolean {
    const send = this.#senders.get(session);
    send?.({ kind: "recall", ...recall });
    return send !== undefined;
  }

  /** Calls back at each acknowledgement of the session that this replica receives. */
  onAcknowledged(session: string, watcher: () => void): () => void {
    const watchers = this.#watchers.get(session) ?? new Set();
    this.#watchers.set(session, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(session) === watchers) this.#watchers.delete(session);
    };
  }

  connect(send: (message: ToEnforcer) => void): SessionStream {
    const { sessions, clock, ids, onClosed } = this.#options;
    let session: string | undefined;
    let over = false;

    const open = async (enforcer: string) => {
      const id = ids.next("ses");
      if (!(await sessions.open(id, enforcer, clock.now() + sessionTtlMs, () => !over))) return;
      // Where this fails, the session is found stale.
      if (over) return sessions.forget(id);
      session = id;
      this.#senders.set(id, send);
      send({ kind: "opened", session: id, ttlMs: sessionTtlMs });
    };

    return {
      receive: async (message) => {
        if (message.kind === "open" && session === undefined) return open(message.enforcer);
        if (message.kind === "open" || session === undefined) {
          throw new ConsentError("invalid", { message: "a session is opened once, by the first message" });
        }
        if (message.kind === "renew") return this.#renew(session, message.sequence, send);
        await sessions.acknowledge(session, message.recall);
        for (const watcher of [...(this.#watchers.get(session) ?? [])]) watcher();
      },
      closed: () => {
        if (over) return;
        over = true;
        if (session === undefined) return;
        this.#senders.delete(session);
        onClosed(session);
      },
    };
  }

  async #renew(session: string, sequence: number, send: (message: ToEnforcer) => void): Promise<void> {
    const { sessions, clock, log } = this.#options;
    const renewal = await sessions.renew(session, clock.now() + sessionTtlMs).catch((error: unknown) => {
      // The enforcer asks again in half a second; if the store is back by then, the enforcer loses nothing.
      log.warn({ err: error }, "a session could not be renewed");
      return undefined;
    });
    if (renewal?.kind === "renewed") send({ kind: "renewed", sequence });
    if (renewal?.kind === "owes") for (const recall of renewal.owed) send({ kind: "recall", ...recall });
    if (renewal?.kind === "gone") throw new ConsentError("session_over");
  }
}
