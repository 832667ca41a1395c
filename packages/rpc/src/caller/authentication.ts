import { type Client, Code, type ConnectError, type ContextValues } from "@connectrpc/connect";
import type {
  CallLimits,
  TokenExchangeService,
} from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import type { Clock } from "@wellapi/runtime";
import { describeError, problemError } from "../status.ts";
import { type Budget, budgetStateKey, peerAddressKey } from "./budget.ts";
import { createCache, fingerprint } from "./cache.ts";
import { anonymous, type Caller, type CallerLimits } from "./caller.ts";
import { peerWorkloadKey } from "./context.ts";
import { bearerOf, type Credential, credentialOf } from "./credential.ts";
import type { TokenVerifier } from "./token-verifier.ts";

export interface Authenticated {
  readonly caller: Caller;
  /** Authenticates the same credential again, for open streams. */
  renew?(): Promise<Authenticated>;
  /** Names the credential (never the secret itself): its streams are looked at together. */
  readonly credential?: string;
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
  readonly door?: {
    /** The workload that the tokens of its calls are bound to: `door`, `gateway`, or the owner of an HTTP surface. */
    readonly workload: string;
    /**
     * The edge by way of which the calls come, as the contracts' callers name it; `workload` unless given. Callers
     * reach a service's surface through the gateway, but the service's process uses its own tokens.
     */
    readonly edge?: "door" | "gateway";
    /** Reaches identity as that workload. */
    readonly exchange: Client<typeof TokenExchangeService>;
    /** Bounds the refused credentials of an address. Absent: nothing does. */
    readonly budget?: Pick<Budget, "beforeExchange" | "exchanged">;
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
const exchangedCredentials = 10_000;
const exchangeTimeoutMs = 5_000;

/**
 * Calls from inside (their transport names a workload) show an internal token that is bound to that workload, or
 * none. Calls from outside show a credential, which is exchanged for such a token.
 */
export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { verifier, clock, door, onward, believeMs = 10_000 } = options;
  const { recheckMs = door === undefined ? 15_000 : 1_500 } = options;
  const exchanged = createCache<Promise<Caller>>("credentials", exchangedCredentials, clock);

  function exchange(
    key: string,
    credential: Credential,
    at: NonNullable<typeof door>,
    values: ContextValues,
  ): Promise<Caller> {
    const known = exchanged.get(key);
    if (known !== undefined) return known;
    const asked = exchangeAt(at, verifier, credential, values).catch((error: unknown) => {
      exchanged.delete(key); // A refusal is not cached: the next call asks again.
      throw error;
    });
    if (believeMs > 0) exchanged.set(key, asked, believeMs);
    return asked;
  }

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
    forget: () => exchanged.clear(),
    async authenticate(call) {
      const workload = call.contextValues.get(peerWorkloadKey);
      if (workload !== undefined) {
        const token = bearerOf(call.header);
        if (token === undefined) return { caller: { ...anonymous, workload } };
        const caller = await verifier.verify(token, workload);
        // A service's own token cannot be renewed here: the service opens its streams again.
        return onward === undefined || caller.principal.kind === "service"
          ? { caller }
          : lasting(caller, onward);
      }
      if (door === undefined) {
        throw problemError({
          code: Code.Unauthenticated,
          reason: "CREDENTIAL_REQUIRED",
          message: "this server takes calls from the installation's own services only",
        });
      }
      const credential = credentialOf(call);
      if (credential === undefined) return { caller: { ...anonymous, workload: edgeOf(door) } };
      // What is permitted may depend on where the call comes from: an answer for one address holds for no other.
      const key = `${keyOf(credential)} ${call.contextValues.get(peerAddressKey) ?? ""}`;
      const renew = async (): Promise<Authenticated> => ({
        caller: await exchange(key, credential, door, call.contextValues),
        credential: key,
        renew,
      });
      return renew();
    },
  };
}

/** Asks identity. A refusal weighs on the address that the credential came from. */
async function exchangeAt(
  at: NonNullable<AuthenticationOptions["door"]>,
  verifier: TokenVerifier,
  credential: Credential,
  values: ContextValues,
): Promise<Caller> {
  const { budget } = at;
  const key = keyOf(credential);
  const address = values.get(peerAddressKey);
  const tried = await budget?.beforeExchange(address, key);
  if (tried?.refusal !== undefined) {
    values.set(budgetStateKey, tried.state);
    throw problemError(tried.refusal);
  }
  try {
    const { token, limits } = await at.exchange.exchangeCredential(
      { credential, callerAddress: address ?? "" },
      { timeoutMs: exchangeTimeoutMs },
    );
    const caller = await verifier.verify(token, at.workload);
    budget?.exchanged(address, key, true);
    return { ...caller, workload: edgeOf(at), ...(limits && { limits: limitsOf(limits) }) };
  } catch (error) {
    const described = translated(error);
    if (described.code === Code.Unauthenticated) budget?.exchanged(address, key, false);
    throw described;
  }
}

function keyOf({ case: kind, value }: Credential): string {
  return `${kind} ${fingerprint(value as string | Uint8Array)}`;
}

function edgeOf({ edge, workload }: NonNullable<AuthenticationOptions["door"]>): string {
  return edge ?? workload;
}

/** Without those that are not set. */
function limitsOf({ organization, application, credential, patient }: CallLimits): CallerLimits {
  return {
    ...(organization > 0 && { organization }),
    ...(application > 0 && { application }),
    ...(credential > 0 && { credential }),
    ...(patient > 0 && { patient }),
  };
}

/** Refusals pass; every other failure of the exchange means that the credential cannot be judged now. */
function translated(error: unknown): ConnectError {
  const { error: described } = describeError(error);
  if (described.code === Code.Unauthenticated) return described;
  return problemError(
    {
      code: Code.Unavailable,
      reason: "UNAVAILABLE",
      message: "credentials can't be checked at the moment: try again after the delay",
      retryAfterMs: 1_000,
    },
    error,
  );
}
