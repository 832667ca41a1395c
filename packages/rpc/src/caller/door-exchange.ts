import { type Client, Code, ConnectError, type ContextValues } from "@connectrpc/connect";
import type {
  CallLimits,
  TokenExchangeService,
} from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import type { Clock } from "@wellapi/runtime";
import { describeError, problemError, problemOf } from "../status.ts";
import type { Authenticated } from "./authentication.ts";
import { type Budget, budgetStateKey, peerAddressKey } from "./budget.ts";
import { type Cache, createCache, fingerprint } from "./cache.ts";
import { agedCaller, type Caller, type CallerLimits, type Principal } from "./caller.ts";
import type { ShownCredential } from "./credential.ts";
import { refusedHolderKey } from "./ended-requests.ts";
import type { TokenVerifier } from "./token-verifier.ts";

/** An edge, which takes callers from outside. */
export interface ExchangeDoor {
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
}

/** Exchanges credentials from outside, and believes the answers for a while. */
export interface DoorExchange {
  authenticate(shown: ShownCredential, values: ContextValues): Promise<Authenticated>;
  /** Forgets all answers. */
  forget(): void;
}

export const exchangeTimeoutMs = 5_000;
const exchangedCredentials = 10_000;
/** Of credentials that are over for good: their refusals are remembered for so long, and of so many. */
const endedCredentials = 1_000;
const endedMs = 60_000;

export function createDoorExchange(options: {
  readonly door: ExchangeDoor;
  readonly verifier: TokenVerifier;
  readonly clock: Clock;
  readonly believeMs: number;
}): DoorExchange {
  const { door, verifier, clock, believeMs } = options;
  const exchanged = createCache<Promise<Caller>>("credentials", exchangedCredentials, clock);
  const ended = createCache<ConnectError>("ended-credentials", endedCredentials, clock);
  const at = { door, verifier, ended };

  function exchange(
    key: string,
    shown: ShownCredential,
    values: ContextValues,
    recheck = false,
  ): Promise<Caller> {
    const known = exchanged.get(key);
    if (known !== undefined) return known;
    const asked = exchangeAt(at, shown, values, recheck).then(
      ({ caller }) => caller,
      (error: unknown) => {
        exchanged.delete(key); // Unless the credential is over for good, the next call asks again.
        throw error;
      },
    );
    if (believeMs > 0) exchanged.set(key, asked, believeMs);
    return asked;
  }

  /** An answer is believed for longer than a sign-in may be fresh. */
  const aged = (caller: Caller) => agedCaller(caller, clock.now());

  /**
   * A proof is good for one call: its answer is never kept for another one. The streams that it opens go on by the internal
   * token that it gave.
   */
  async function exchangeProof(
    key: string,
    shown: ShownCredential,
    values: ContextValues,
  ): Promise<Authenticated> {
    const { caller: first, nonce } = await exchangeAt(at, shown, values);
    let latest = first;
    const renew = async (): Promise<Authenticated> => {
      const credential = { case: "internalToken", value: latest.token } as const;
      latest = aged(await exchange(`renewed ${key}`, { credential }, values));
      return { caller: latest, credential: key, renew };
    };
    return { caller: first, credential: key, renew, ...(nonce !== "" && { nonce }) };
  }

  async function authenticate(shown: ShownCredential, values: ContextValues): Promise<Authenticated> {
    // What is permitted may depend on where the call comes from: an answer for one address holds for no other.
    const key = `${keyOf(shown)} ${values.get(peerAddressKey) ?? ""}`;
    if (shown.presented?.dpopProof) return exchangeProof(key, shown, values);
    // Another look at an open stream is no use of a session. Its answer is kept apart, so that none takes it for a use.
    const ask = async (recheck: boolean): Promise<Authenticated> => ({
      caller: aged(await exchange(recheck ? `recheck ${key}` : key, shown, values, recheck)),
      credential: key,
      renew: () => ask(true),
    });
    return ask(false);
  }

  return {
    async authenticate(shown, values) {
      try {
        return await authenticate(shown, values);
      } catch (error) {
        const principal = error instanceof ConnectError ? refusedHolders.get(error) : undefined;
        if (principal !== undefined) values.set(refusedHolderKey, principal);
        throw error;
      }
    },
    // An exchange in progress is dropped, too: it may have begun before the revocation.
    forget: () => exchanged.clear(),
  };
}

interface Asking {
  readonly door: ExchangeDoor;
  readonly verifier: TokenVerifier;
  /** Refusals of credentials that were revoked or have expired: nothing puts them in force again. */
  readonly ended: Cache<ConnectError>;
}

/** Asks identity. A refusal weighs on the address that the credential came from. */
async function exchangeAt(
  { door, verifier, ended }: Asking,
  shown: ShownCredential,
  values: ContextValues,
  recheck = false,
): Promise<{ readonly caller: Caller; readonly nonce: string }> {
  const { budget } = door;
  const { credential, presented } = shown;
  const key = keyOf(shown);
  const address = values.get(peerAddressKey);
  const tried = await budget?.beforeExchange(address, key);
  if (tried?.refusal !== undefined) {
    values.set(budgetStateKey, tried.state);
    throw problemError(tried.refusal);
  }
  const before = ended.get(key);
  if (before !== undefined) {
    budget?.exchanged(address, key, false);
    throw before;
  }
  try {
    const { token, limits, deniedCalls, dpopNonce, allowedOrigins } = await door.exchange.exchangeCredential(
      {
        credential,
        callerAddress: address ?? "",
        recheck,
        tellHolder: true,
        ...(presented && { presented }),
      },
      { timeoutMs: exchangeTimeoutMs },
    );
    const verified = await verifier.verify(token, door.workload);
    budget?.exchanged(address, key, true);
    const caller = {
      ...verified,
      workload: edgeOf(door),
      ...(limits && { limits: limitsOf(limits) }),
      ...(allowedOrigins.length > 0 && { allowedOrigins }),
      ...(deniedCalls.length > 0 && { deniedCalls: new Map(deniedCalls.map((one) => [one.rpc, one])) }),
    };
    return { caller, nonce: dpopNonce };
  } catch (error) {
    const { refused: described, isOver } = withoutFacts(translated(error));
    if (isOver) ended.set(key, described, endedMs);
    // Who lacks a nonce has shown a good token with a good proof, and is about to come back.
    const refused =
      described.code === Code.Unauthenticated && problemOf(described).reason !== "DPOP_NONCE_REQUIRED";
    if (refused) budget?.exchanged(address, key, false);
    throw described;
  }
}

/** Facts about a refused credential that identity gives the door, and nobody else. */
const holderFacts = {
  organization: "holder_organization",
  application: "holder_application",
  credential: "holder_credential",
  over: "holder_credential_over",
};

/** Of the refusals that were made here: calls that showed the same credential at once share one. */
const refusedHolders = new WeakMap<ConnectError, Principal>();

/** Whose the refused credential is, is not for its caller. `isOver`: it will be refused whenever it is shown again. */
function withoutFacts(refused: ConnectError): { readonly refused: ConnectError; readonly isOver: boolean } {
  const { metadata = {}, ...problem } = problemOf(refused);
  const {
    [holderFacts.organization]: organization,
    [holderFacts.application]: id,
    [holderFacts.credential]: credential,
    [holderFacts.over]: over,
    ...others
  } = metadata;
  if (organization === undefined || id === undefined || credential === undefined)
    return { refused, isOver: false };
  const told = problemError({ ...problem, metadata: others }, refused.cause);
  refusedHolders.set(told, { kind: "application", id, organization, credential });
  return { refused: told, isOver: over === "true" };
}

/** A token beside another certificate is another credential. Proofs do not count: they are never kept. */
function keyOf({ credential: { case: kind, value }, presented }: ShownCredential): string {
  const shown = kind === "session" ? `${value.secret} ${value.actingAs}` : value;
  const key = `${kind} ${fingerprint(shown as string | Uint8Array)}`;
  const certificate = presented?.clientCertificate;
  return certificate === undefined ? key : `${key} ${fingerprint(certificate)}`;
}

export function edgeOf({ edge, workload }: ExchangeDoor): string {
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

/** Refusals pass, also of whom a session may not act as; every other failure of the exchange means that the credential cannot be judged now. */
function translated(error: unknown): ConnectError {
  const { error: described } = describeError(error);
  if (described.code === Code.Unauthenticated || described.code === Code.PermissionDenied) return described;
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
