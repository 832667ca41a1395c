import type { AuthenticationResponseJSON, RegistrationResponseJSON } from "@simplewebauthn/server";
import type { Account, Passkey } from "../accounts/account.ts";
import { passkeyRefused } from "../accounts/account-errors.ts";

/** Loaded at the first use: it brings 5 MB, and many a process sees no passkey. */
const library = () => import("@simplewebauthn/server");

/** EdDSA, ES256, RS256 (COSE). */
const algorithms = [-8, -7, -257];
const timeoutMs = 300_000;

/** Options for a browser, with the challenge that its answer must hold. */
export interface Asked {
  readonly challenge: string;
  /** JSON, Web Authentication level 3. */
  readonly options: string;
}

type Named = Pick<Account, "id" | "email" | "displayName" | "passkeys">;

/** What an authenticator proved. */
export interface Proof {
  readonly counter: number;
  /** Whether its counter went back: two authenticators have the same key. */
  readonly cloned: boolean;
}

/** The relying party (Web Authentication). What an authenticator answers is refused with `passkey_refused`. */
export interface Passkeys {
  forNew(account: Named): Promise<Asked>;
  /** The new passkey; `label`: what its owner calls it. */
  verifyNew(
    answer: string,
    challenge: string,
    now: { readonly id: string; readonly time: number; readonly label: string },
  ): Promise<Passkey>;
  /** `of`: the passkeys that may answer; absent: whichever the browser has. */
  forSignIn(of?: readonly Passkey[]): Promise<Asked>;
  /** Whose passkey answered, by its own words: nothing is proved. */
  claimOf(answer: string): { readonly account: string | undefined; readonly credentialId: string };
  verifySignIn(answer: string, challenge: string, passkey: Passkey): Promise<Proof>;
}

/** Pages of a browser on this machine have this name, for an address is no relying party. */
const LOCAL = "localhost";

/** `origin`: of the pages, for example `https://exchange.example.com`; its host is the relying party's id. */
export function createPasskeys(origin: () => string): Passkeys {
  const relyingParty = (): RelyingParty => {
    const url = new URL(origin());
    if (["127.0.0.1", "[::1]"].includes(url.hostname)) url.hostname = LOCAL;
    return { id: url.hostname, origin: url.origin };
  };
  return { ...createRegistration(relyingParty), ...createAssertion(relyingParty) };
}

interface RelyingParty {
  readonly id: string;
  readonly origin: string;
}

function createRegistration(relyingParty: () => RelyingParty): Pick<Passkeys, "forNew" | "verifyNew"> {
  return {
    async forNew({ id, email, displayName, passkeys }) {
      const { generateRegistrationOptions } = await library();
      const options = await generateRegistrationOptions({
        rpName: "WellAPI",
        rpID: relyingParty().id,
        userID: new Uint8Array(Buffer.from(id)),
        userName: email,
        userDisplayName: displayName,
        timeout: timeoutMs,
        attestationType: "none",
        excludeCredentials: passkeys.map(({ credentialId }) => ({ id: credentialId })),
        authenticatorSelection: { residentKey: "required", userVerification: "required" },
        supportedAlgorithmIDs: algorithms,
      });
      return { challenge: options.challenge, options: JSON.stringify(options) };
    },
    async verifyNew(answer, challenge, { id, time, label }) {
      const response = parsed<RegistrationResponseJSON>(answer);
      const party = relyingParty();
      const { verifyRegistrationResponse } = await library();
      const { verified, registrationInfo } = await refusing(() =>
        verifyRegistrationResponse({
          response,
          expectedChallenge: challenge,
          expectedOrigin: party.origin,
          expectedRPID: party.id,
          requireUserVerification: true,
          supportedAlgorithmIDs: algorithms,
        }),
      );
      if (!verified || registrationInfo === undefined) throw passkeyRefused();
      const { credential, credentialBackedUp } = registrationInfo;
      return {
        id,
        credentialId: credential.id,
        publicKey: Buffer.from(credential.publicKey).toString("base64url"),
        counter: credential.counter,
        transports: (credential.transports ?? []).filter((one) => /^[a-z-]{1,20}$/.test(one)).slice(0, 8),
        displayName: label,
        createTime: time,
        lastUseTime: time,
        synced: credentialBackedUp,
      };
    },
  };
}

function createAssertion(
  relyingParty: () => RelyingParty,
): Pick<Passkeys, "forSignIn" | "claimOf" | "verifySignIn"> {
  return {
    async forSignIn(of) {
      const { generateAuthenticationOptions } = await library();
      const options = await generateAuthenticationOptions({
        rpID: relyingParty().id,
        timeout: timeoutMs,
        userVerification: "required",
        ...(of && { allowCredentials: of.map(({ credentialId }) => ({ id: credentialId })) }),
      });
      return { challenge: options.challenge, options: JSON.stringify(options) };
    },
    claimOf(answer) {
      const { id, response } = parsed<AuthenticationResponseJSON>(answer);
      if (typeof id !== "string") throw passkeyRefused();
      const handle = response?.userHandle;
      const account = typeof handle === "string" ? Buffer.from(handle, "base64url").toString() : "";
      return { account: /^usr_[0-9a-z]{26}$/.test(account) ? account : undefined, credentialId: id };
    },
    async verifySignIn(answer, challenge, passkey) {
      const response = parsed<AuthenticationResponseJSON>(answer);
      const party = relyingParty();
      const { verifyAuthenticationResponse } = await library();
      const { verified, authenticationInfo } = await refusing(() =>
        verifyAuthenticationResponse({
          response,
          expectedChallenge: challenge,
          expectedOrigin: party.origin,
          expectedRPID: party.id,
          requireUserVerification: true,
          // The library refuses a lower counter as it refuses a wrong signature; a copy is told to its owner.
          credential: {
            id: passkey.credentialId,
            publicKey: new Uint8Array(Buffer.from(passkey.publicKey, "base64url")),
            counter: 0,
          },
        }),
      );
      if (!verified) throw passkeyRefused();
      const { newCounter } = authenticationInfo;
      const counts = newCounter > 0 || passkey.counter > 0;
      return { counter: newCounter, cloned: counts && newCounter <= passkey.counter };
    },
  };
}

function parsed<T extends object>(answer: string): T {
  try {
    const value: unknown = JSON.parse(answer);
    if (typeof value === "object" && value !== null) return value as T;
  } catch {
    // Refused below.
  }
  throw passkeyRefused();
}

/** The library throws for whatever an answer gets wrong; of its failures none is a failure of ours. */
async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw passkeyRefused(cause);
  }
}
