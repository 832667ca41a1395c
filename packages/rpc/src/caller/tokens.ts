import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Client, Code, ConnectError, type ContextValues, type Transport } from "@connectrpc/connect";
import type { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import type { Clock } from "@wellapi/runtime";
import { problemError } from "../status.ts";
import { createCache, fingerprint } from "./cache.ts";
import { type Caller, callerKey } from "./caller.ts";
import type { Credential } from "./credential.ts";

/** Internal tokens with which a service makes further calls. A token is used for the first half of its life. */
export interface OnwardTokens {
  /** For the caller of the service, bound to the service's own workload (RFC 8693). */
  forCaller(caller: Caller): Promise<string>;
  /** For the service itself. */
  forService(): Promise<string>;
  /** The service's own token was refused: its key was dropped, or a clock is wrong. The next call makes a new one. */
  forgetService(): void;
}

const timeoutMs = 5_000;
/**
 * Lifetime of an internal token; the token holds only its expiry. A slow wall clock overestimates the remaining time,
 * a fast one underestimates it: with half of it in reserve, each side's clock may be two minutes off.
 */
const lifetimeMs = 300_000;
const reserveMs = 150_000;

/** `exchange` reaches identity as the service's workload. */
export function createOnwardTokens(options: {
  readonly exchange: Client<typeof TokenExchangeService>;
  readonly clock: Clock;
}): OnwardTokens {
  const { exchange, clock } = options;
  const kept = createCache<Promise<string>>("tokens", 10_000, clock);

  function obtain(key: string, credential: Credential): Promise<string> {
    const known = kept.get(key);
    if (known !== undefined) return known;
    const asked = exchange.exchangeCredential({ credential }, { timeoutMs }).then(({ token, expireTime }) => {
      const left = expireTime === undefined ? 0 : Math.min(timestampMs(expireTime) - clock.now(), lifetimeMs);
      if (left > reserveMs) kept.set(key, asked, left - reserveMs);
      else kept.delete(key);
      return token;
    });
    kept.set(key, asked, timeoutMs); // concurrent callers share the answer
    asked.catch(() => kept.delete(key));
    return asked;
  }

  /** Callers are shared by their calls; that of a stream gets newer tokens. */
  const keys = new WeakMap<Caller, { readonly token: string; readonly key: string }>();

  function keyOf(caller: Caller): string {
    const { token } = caller;
    const known = keys.get(caller);
    if (known?.token === token) return known.key;
    const key = `caller ${fingerprint(token)}`;
    keys.set(caller, { token, key });
    return key;
  }

  return {
    forCaller: (caller) => obtain(keyOf(caller), { case: "internalToken", value: caller.token }),
    forService: () => obtain("service", { case: "workload", value: true }),
    forgetService: () => kept.delete("service"),
  };
}

/**
 * The transport, calling on behalf of the caller of the current call: pass on the handler's values, as in
 * `client.appendSeries(request, { contextValues: context.values, signal: context.signal })`. The call carries
 * the request id.
 */
export function asCaller(transport: Transport, tokens: OnwardTokens): Transport {
  return withToken(transport, async (values) => {
    const caller = values?.get(callerKey);
    if (caller === undefined) {
      throw problemError({
        code: Code.Internal,
        reason: "INTERNAL",
        message: "a call on behalf of the caller was made without its context values",
      });
    }
    return caller.principal.kind === "anonymous" ? undefined : tokens.forCaller(caller);
  });
}

/**
 * A transport on the service's own behalf. If a unary call's token is refused, no handler has read the call, so it is
 * repeated with a new token.
 */
export function asService(transport: Transport, tokens: OnwardTokens): Transport {
  const authorized = withToken(transport, () => tokens.forService());
  const refused = (error: unknown) => {
    if (ConnectError.from(error).code !== Code.Unauthenticated) return false;
    tokens.forgetService();
    return true;
  };
  return {
    async unary(...call) {
      try {
        return await authorized.unary(...call);
      } catch (error) {
        if (!refused(error)) throw error;
        return authorized.unary(...call);
      }
    },
    async stream(...call) {
      const response = await authorized.stream(...call);
      return { ...response, message: watched(response.message) };
    },
  };

  /** A refused stream fails where its first message would be. */
  async function* watched<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
    try {
      yield* messages;
    } catch (error) {
      refused(error);
      throw error;
    }
  }
}

function withToken(
  transport: Transport,
  tokenFor: (values: ContextValues | undefined) => Promise<string | undefined>,
): Transport {
  type HeaderInit = Parameters<Transport["unary"]>[3];
  async function authorized(header: HeaderInit, values: ContextValues | undefined): Promise<HeaderInit> {
    const token = await tokenFor(values);
    if (token === undefined) return header;
    const authorization = `Bearer ${token}`;
    // Nearly all calls have no other header, and the transport makes its own of them.
    if (header === undefined) return { authorization };
    const headers = new Headers(header);
    headers.set("authorization", authorization);
    return headers;
  }
  return {
    async unary(method, signal, timeout, header, input, values) {
      return transport.unary(method, signal, timeout, await authorized(header, values), input, values);
    },
    async stream(method, signal, timeout, header, input, values) {
      return transport.stream(method, signal, timeout, await authorized(header, values), input, values);
    },
  };
}
