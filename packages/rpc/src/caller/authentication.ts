import { type Client, Code, type ContextValues } from "@connectrpc/connect";
import type { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import type { Clock } from "@wellapi/runtime";
import { problemError } from "../status.ts";
import { agedCaller, anonymous, type Caller } from "./caller.ts";
import { peerWorkloadKey } from "./context.ts";
import { bearerOf, type Credential, credentialOf } from "./credential.ts";
import { createDoorExchange, type ExchangeDoor, edgeOf, exchangeTimeoutMs } from "./door-exchange.ts";
import type { TokenVerifier } from "./token-verifier.ts";

export interface Authenticated {
  readonly caller: Caller;
  /** Authenticates the same credential again, for open streams. */
  renew?(): Promise<Authenticated>;
  /** Names the credential (never the secret itself): its streams are looked at together. */
  readonly credential?: string;
  /** For the caller's next DPoP proof, where it needs another one (RFC 9449, section 8.2). */
  readonly nonce?: string;
}

/** Identifies the caller. */
export interface Authentication {
  /** @throws ConnectError UNAUTHENTICATED for a refused credential, UNAVAILABLE where identity cannot decide. */
  authenticate(call: {
    readonly header: Headers;
    readonly contextValues: ContextValues;
  }): Promise<Authenticated>;
  /** How often open streams are authenticated again, milliseconds. */
  readonly recheckMs: number;
  /** How long a stream may live, milliseconds. Absent: without end, as between services. */
  readonly streamAgeMs?: number;
  /** Forgets all exchanged credentials: called when one is revoked. */
  forget(): void;
}

export interface AuthenticationOptions {
  readonly verifier: TokenVerifier;
  readonly clock: Clock;
  /** At an edge: takes callers from outside. Without it they are refused. */
  readonly door?: ExchangeDoor & {
    /** How long a stream may live, milliseconds; without end unless given. */
    readonly streamAgeMs?: number;
  };
  /**
   * For a service in a separate process that makes calls for its caller: calls identity as that service. A stream
   * from inside outlives the five minutes of its token, so the token is exchanged for a new one in time.
   */
  readonly onward?: Client<typeof TokenExchangeService>;
  /** At a door 1,500 unless given: with the time of a check, a revoked credential ends its streams within two seconds. */
  readonly recheckMs?: number;
  /**
   * How long an exchanged credential is trusted without asking again, milliseconds; 10,000 unless given. 0 where
   * `forget` cannot be called at a revocation, because that happens in another process.
   */
  readonly believeMs?: number;
}

/** Well before an internal token's five minutes are over, with time for a few failures. */
const onwardEveryMs = 120_000;

/**
 * Calls from inside (their transport names a workload) show an internal token that is bound to that workload, or
 * none. Calls from outside show a credential, which is exchanged for such a token.
 */
export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { verifier, clock, door, onward, believeMs = 10_000 } = options;
  const { recheckMs = door === undefined ? 15_000 : 1_500 } = options;
  const outside = door && createDoorExchange({ door, verifier, clock, believeMs });

  /** The same caller with newer tokens, bound to this service for its further calls. */
  function lasting(caller: Caller, exchange: NonNullable<typeof onward>): Authenticated {
    const from = clock.monotonic();
    const renew = async (): Promise<Authenticated> => {
      if (clock.monotonic() - from < onwardEveryMs) return { caller, renew };
      const credential: Credential = { case: "internalToken", value: caller.token };
      const { token } = await exchange.exchangeCredential({ credential }, { timeoutMs: exchangeTimeoutMs });
      return lasting({ ...caller, token }, exchange);
    };
    return { caller, renew };
  }

  return {
    recheckMs,
    ...(door?.streamAgeMs !== undefined && { streamAgeMs: door.streamAgeMs }),
    // An exchange in progress is dropped, too: it may have begun before the revocation.
    forget: () => outside?.forget(),
    async authenticate(call) {
      const workload = call.contextValues.get(peerWorkloadKey);
      if (workload !== undefined) {
        const token = bearerOf(call.header);
        if (token === undefined) return { caller: { ...anonymous, workload } };
        const caller = agedCaller(await verifier.verify(token, workload), clock.now());
        // A service's own token cannot be renewed here: the service opens its streams again.
        return onward === undefined || caller.principal.kind === "service"
          ? { caller }
          : lasting(caller, onward);
      }
      if (door === undefined || outside === undefined) {
        throw problemError({
          code: Code.Unauthenticated,
          reason: "CREDENTIAL_REQUIRED",
          message: "this server takes calls from the installation's own services only",
        });
      }
      const shown = credentialOf(call);
      if (shown === undefined) return { caller: { ...anonymous, workload: edgeOf(door) } };
      return outside.authenticate(shown, call.contextValues);
    },
  };
}
