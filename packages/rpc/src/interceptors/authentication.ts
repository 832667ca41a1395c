import { Code, type StreamRequest, type StreamResponse } from "@connectrpc/connect";
import type { Authenticated, Authentication } from "../caller/authentication.ts";
import { type Caller, callerKey } from "../caller/caller.ts";
import { problemError, toConnectError } from "../status.ts";
import { abortable } from "../wire/stream.ts";
import { type StepInterceptor, step } from "./step.ts";

/**
 * Puts the caller into the call's values. A stream that can be authenticated again is, every `recheckMs`, and ends
 * when its credential is refused, or could not be checked for `staleMs`.
 */
export function authenticationInterceptor(authentication: Authentication): StepInterceptor {
  return step("authentication", (next) => async (request) => {
    const authenticated = await authentication.authenticate(request);
    if (!request.stream || authenticated.renew === undefined) {
      request.contextValues.set(callerKey, authenticated.caller);
      return next(request);
    }
    const watched = watchCredential(authenticated, authentication, request);
    try {
      request.contextValues.set(callerKey, watched.caller);
      const signal = AbortSignal.any([request.signal, watched.refused]);
      const response = (await next({
        ...request,
        signal,
        message: abortable(request.message, watched.refused),
      })) as StreamResponse;
      return { ...response, message: abortable(response.message, watched.refused) };
    } catch (error) {
      watched.stop();
      throw error;
    }
  });
}

/** How long a stream continues while identity is unreachable. Revoked credentials end within a minute. */
const staleMs = 45_000;

interface Watched {
  /** Its `token` is always the newest, so that a stream of hours can still make calls. */
  readonly caller: Caller;
  readonly refused: AbortSignal;
  stop(): void;
}

function watchCredential(
  first: Authenticated,
  { recheckMs }: Authentication,
  { signal }: StreamRequest,
): Watched {
  const refused = new AbortController();
  let latest = first;
  let renewed = performance.now();
  let checking = false;

  const check = async (): Promise<void> => {
    if (checking) return;
    checking = true;
    try {
      latest = await latest.renew!();
      renewed = performance.now();
    } catch (error) {
      const described = toConnectError(error);
      if (described.code === Code.Unauthenticated || described.code === Code.PermissionDenied) {
        refused.abort(described);
      } else if (performance.now() - renewed > staleMs) {
        refused.abort(
          problemError({
            code: Code.Unavailable,
            reason: "UNAVAILABLE",
            message: "the credential could not be checked again: open the stream again",
            retryAfterMs: 1_000,
          }),
        );
      }
    } finally {
      checking = false;
    }
  };

  const timer = setInterval(() => void check(), recheckMs);
  timer.unref();
  const stop = (): void => clearInterval(timer);
  // Transports abort the signal when the call is over, however it ended.
  signal.addEventListener("abort", stop, { once: true });
  refused.signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  return {
    caller: {
      principal: first.caller.principal,
      workload: first.caller.workload,
      get token() {
        return latest.caller.token;
      },
    },
    refused: refused.signal,
    stop,
  };
}
