import { Code, type ConnectError, type StreamRequest, type StreamResponse } from "@connectrpc/connect";
import { streamEndKey } from "../answers/hold-answer.ts";
import type { Authenticated, Authentication } from "../caller/authentication.ts";
import { type Caller, callerKey } from "../caller/caller.ts";
import { dpopNonceHeader } from "../caller/credential.ts";
import { type CredentialWatch, createCredentialWatch } from "../caller/credential-watch.ts";
import { policyDenial } from "../caller/policy-denial.ts";
import { problemError } from "../status.ts";
import { abortable, onAbort } from "../wire/stream.ts";
import { type StepInterceptor, step } from "./step.ts";

/**
 * Puts the caller into the call's values. A stream that can be authenticated again is, every `recheckMs`, and ends
 * when its credential is refused, or could not be checked for too long, or when the stream is older than it may be.
 */
export function authenticationInterceptor(authentication: Authentication): StepInterceptor {
  const watch = createCredentialWatch(authentication.recheckMs);
  return step("authentication", (next) => async (request) => {
    const authenticated = await authentication.authenticate(request);
    const { nonce } = authenticated;
    if (!request.stream || authenticated.renew === undefined) {
      request.contextValues.set(callerKey, authenticated.caller);
      const response = await next(request);
      if (nonce !== undefined) response.header.set(dpopNonceHeader, nonce);
      return response;
    }
    const watched = watchStream(authenticated, watch, authentication.streamAgeMs, request);
    try {
      request.contextValues.set(callerKey, watched.caller);
      request.contextValues.set(streamEndKey, watched.ended);
      const signal = AbortSignal.any([request.signal, watched.ended]);
      const response = (await next({
        ...request,
        signal,
        message: abortable(request.message, watched.ended),
      })) as StreamResponse;
      if (nonce !== undefined) response.header.set(dpopNonceHeader, nonce);
      return { ...response, message: abortable(response.message, watched.ended) };
    } catch (error) {
      watched.stop();
      throw error;
    }
  });
}

interface WatchedStream {
  /** Its `token` is always the newest, so that a stream of hours can still make calls. */
  readonly caller: Caller;
  readonly ended: AbortSignal;
  stop(): void;
}

function watchStream(
  first: Authenticated,
  watch: CredentialWatch,
  ageMs: number | undefined,
  { signal, method }: StreamRequest,
): WatchedStream {
  const ended = new AbortController();
  const end = (reason: unknown): void => ended.abort(reason);
  const { caller: latest, leave } = watch.join(
    first,
    end,
    (caller) => policyDenial(caller, method) ?? otherPolicies(first.caller, caller),
  );
  const age = ageMs === undefined ? undefined : setTimeout(() => end(tooOld()), spread(ageMs)).unref();
  const stop = (): void => {
    clearTimeout(age);
    leave();
  };
  // Transports abort the signal when the call is over, however it ended.
  onAbort(signal, stop);
  onAbort(ended.signal, stop);
  return {
    caller: {
      principal: first.caller.principal,
      workload: first.caller.workload,
      ...(first.caller.limits && { limits: first.caller.limits }),
      get token() {
        return latest().token;
      },
    },
    ended: ended.signal,
    stop,
  };
}

/** The last tenth is drawn by lot: streams that were opened together do not all come back at once. */
function spread(ageMs: number): number {
  return ageMs * (1 - Math.random() / 10);
}

/** Its organization changed what it forbids: the stream was opened, and is decided, under what was in force then. */
function otherPolicies(opened: Caller, now: Caller): ConnectError | undefined {
  if (opened.principal.policies === now.principal.policies) return undefined;
  return problemError({
    code: Code.Unavailable,
    reason: "POLICIES_CHANGED",
    message:
      "your organization changed its policies: open the stream again and go on from what was answered (a watch from its last resume_token)",
    retryAfterMs: 100,
  });
}

function tooOld() {
  return problemError({
    code: Code.Unavailable,
    reason: "STREAM_TOO_OLD",
    message:
      "the stream has lived as long as a stream may: open it again and go on from what was answered (a watch from its last resume_token)",
    retryAfterMs: 100,
  });
}
