import { Code } from "@connectrpc/connect";
import { problemError, toConnectError } from "../status.ts";
import type { Authenticated } from "./authentication.ts";
import type { Caller } from "./caller.ts";

/** How long streams continue while identity is unreachable. */
const staleMs = 45_000;

/** Looks again whether the credentials of open streams are good: once for all streams of one credential. */
export interface CredentialWatch {
  /**
   * The stream's credential was just exchanged. `refused` is called once, when it is not good any more, or when there is an
   * objection to the stream by what is known of its caller now.
   */
  join(
    authenticated: Authenticated,
    refused: (reason: unknown) => void,
    objection?: (caller: Caller) => unknown,
  ): Watched;
}

export interface Watched {
  /** The newest, so that a stream of hours can still make calls. */
  caller(): Caller;
  leave(): void;
}

interface Watching {
  latest: Authenticated;
  /** Monotonic milliseconds. */
  renewed: number;
  checking: boolean;
  readonly timer: NodeJS.Timeout;
  readonly streams: Map<(reason: unknown) => void, ((caller: Caller) => unknown) | undefined>;
}

/** `everyMs`: how often. */
export function createCredentialWatch(everyMs: number): CredentialWatch {
  const watched = new Map<string | symbol, Watching>();

  function end(key: string | symbol, one: Watching, reason: unknown): void {
    clearInterval(one.timer);
    if (watched.get(key) === one) watched.delete(key);
    for (const refused of one.streams.keys()) refused(reason);
    one.streams.clear();
  }

  /** Ends the streams that their caller may not have any more. */
  function object(key: string | symbol, one: Watching): void {
    for (const [refused, objection] of one.streams) {
      const reason = objection?.(one.latest.caller);
      if (reason === undefined) continue;
      one.streams.delete(refused);
      refused(reason);
    }
    if (one.streams.size === 0) end(key, one, undefined);
  }

  async function check(key: string | symbol, one: Watching): Promise<void> {
    if (one.checking) return;
    one.checking = true;
    try {
      const renewed = await one.latest.renew!();
      if (lostRole(one.latest, renewed)) return end(key, one, rolesChanged());
      one.latest = renewed;
      one.renewed = performance.now();
      object(key, one);
    } catch (error) {
      const described = toConnectError(error);
      if (described.code === Code.Unauthenticated || described.code === Code.PermissionDenied) {
        end(key, one, described);
      } else if (performance.now() - one.renewed > staleMs) {
        end(key, one, unchecked());
      }
    } finally {
      one.checking = false;
    }
  }

  function begin(key: string | symbol, latest: Authenticated): Watching {
    const timer = setInterval(() => void check(key, one), everyMs).unref();
    const one: Watching = { latest, renewed: performance.now(), checking: false, timer, streams: new Map() };
    watched.set(key, one);
    return one;
  }

  return {
    join(authenticated, refused, objection) {
      const key = authenticated.credential ?? Symbol("of this stream alone");
      const before = watched.get(key);
      // Its streams were admitted with roles that the newest exchange does not have any more.
      if (before !== undefined && lostRole(before.latest, authenticated)) end(key, before, rolesChanged());
      const one = watched.get(key) ?? begin(key, authenticated);
      one.latest = authenticated;
      one.renewed = performance.now();
      one.streams.set(refused, objection);
      return {
        caller: () => one.latest.caller,
        leave() {
          one.streams.delete(refused);
          if (one.streams.size === 0) end(key, one, undefined);
        },
      };
    },
  };
}

/** A stream was admitted by the roles of its beginning: it must not outlive one of them. */
function lostRole(before: Authenticated, now: Authenticated): boolean {
  const kept = now.caller.principal.roles ?? [];
  return (before.caller.principal.roles ?? []).some((role) => !kept.includes(role));
}

function rolesChanged() {
  return problemError({
    code: Code.PermissionDenied,
    reason: "ROLE_REQUIRED",
    message: "your roles have changed since the stream began: open it again",
  });
}

function unchecked() {
  return problemError({
    code: Code.Unavailable,
    reason: "UNAVAILABLE",
    message: "the credential could not be checked again: open the stream again",
    retryAfterMs: 1_000,
  });
}
