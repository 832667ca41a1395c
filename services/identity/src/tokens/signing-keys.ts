import type { Follower } from "@wellapi/journal";
import { type Clock, createLoop, type Logger } from "@wellapi/runtime";
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from "jose";
import { DAY } from "../credentials/credential.ts";
import type {
  EcPrivateJwk,
  InstallationKey,
  InstallationKeyRepository,
} from "../installation-key-repository.ts";
import { replacementOf, writeDown } from "../journal-entries.ts";

/** The keys of tokens: one signs, its predecessor still verifies, and a newer one may be waiting. */
export interface SigningKeys {
  current(): { readonly kid: string; readonly privateKey: CryptoKey };
  /**
   * The public key, or undefined where this installation has none with that id. Another replica may have made it just
   * now.
   */
  verificationKey(kid: string | undefined): Promise<CryptoKey | undefined>;
  /** JSON Web Key Set (RFC 7517), newest first. */
  jwks(): { readonly keys: readonly PublicJwk[] };
  /** For a library that signs by itself: the current one first, and those that verify. Never let them leave the process. */
  privateJwks(): ReadonlyArray<PublicJwk & Pick<EcPrivateJwk, "d">>;
  /** Makes a new key; throws `journal_unavailable` where a restore could bring back the keys that it drops. */
  rotate(immediately: boolean): Promise<Rotation>;
  close(): void;
}

export interface Rotation {
  readonly kid: string;
  /** UTC milliseconds. */
  readonly signTime: number;
  readonly dropped: readonly string[];
}

export interface PublicJwk {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly alg: "ES256";
  readonly use: "sig";
}

/** Longer than any token lives. */
const MAX_AGE = 30 * DAY;
/** A key signs this long after it was made: by then every replica, and everybody who verifies tokens, has read it. */
const AHEAD_MS = 60_000;
const LOOK_EVERY_MS = 10_000;
/** Bounds how often unknown tokens make the service read the keys again. */
const LOOK_AT_MOST_EVERY_MS = 1_000;

interface Loaded {
  readonly keys: readonly InstallationKey[];
  readonly privateKeys: ReadonlyMap<string, CryptoKey>;
  readonly publicKeys: ReadonlyMap<string, CryptoKey>;
  /** Monotonic. */
  readonly at: number;
}

/** Makes the first key, and a new one where the newest is older than 30 days; reads the keys of other replicas. */
export async function openSigningKeys(options: {
  readonly repository: InstallationKeyRepository;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<SigningKeys> {
  const { repository, journal, clock, log } = options;
  const first = await repository.keys("tokens");
  if (!first[0] || clock.now() - first[0].createTime > MAX_AGE) {
    await repository.insert("tokens", await newSigningKey(clock.now()));
  }
  let loaded = await load();
  // Only keys older than the predecessor of the current one, which still verifies.
  await drop(loaded.keys.slice(placeOf(loaded.keys) + 2));
  loaded = await load();
  const looking = createLoop({
    everyMs: LOOK_EVERY_MS,
    work: look,
    onError: (err) => log.warn({ err }, "keys of tokens could not be read; trying again"),
  });

  async function load(): Promise<Loaded> {
    const keys = await repository.keys("tokens");
    const privateKeys = new Map<string, CryptoKey>();
    const publicKeys = new Map<string, CryptoKey>();
    for (const key of keys) {
      privateKeys.set(key.id, (await importJWK({ ...key.privateJwk }, "ES256")) as CryptoKey);
      publicKeys.set(key.id, (await importJWK(publicJwk(key), "ES256")) as CryptoKey);
    }
    return { keys, privateKeys, publicKeys, at: clock.monotonic() };
  }

  async function look(): Promise<void> {
    const found = await load();
    if (found.keys.length > 0) loaded = found;
  }

  /** The signing key: the newest that was published long enough ago, else the oldest. */
  function placeOf(keys: readonly InstallationKey[]): number {
    const place = keys.findIndex(({ createTime }) => createTime + AHEAD_MS <= clock.now());
    return place < 0 ? keys.length - 1 : place;
  }

  /** First in the store, then in the journal, because a restore must not bring them back. */
  async function drop(keys: readonly InstallationKey[]): Promise<readonly string[]> {
    const facts = keys.map(({ id }) => replacementOf(id, clock.now()));
    for (const fact of facts) await repository.delete("tokens", fact.subject, [journal.owed(fact)]);
    for (const fact of facts) await writeDown(journal, fact);
    return keys.map(({ id }) => id);
  }

  return {
    current() {
      const { keys, privateKeys } = loaded;
      const { id } = keys[placeOf(keys)]!;
      return { kid: id, privateKey: privateKeys.get(id)! };
    },
    async verificationKey(kid) {
      if (kid === undefined) return undefined;
      const known = loaded.publicKeys.get(kid);
      if (known || clock.monotonic() - loaded.at < LOOK_AT_MOST_EVERY_MS) return known;
      await look();
      return loaded.publicKeys.get(kid);
    },
    jwks: () => ({ keys: loaded.keys.map(publicJwk) }),
    privateJwks() {
      const { keys } = loaded;
      const current = keys[placeOf(keys)]!;
      const ordered = [current, ...keys.filter(({ id }) => id !== current.id)];
      return ordered.map((key) => ({ ...publicJwk(key), d: key.privateJwk.d }));
    },
    async rotate(immediately) {
      const key = await newSigningKey(clock.now());
      await repository.insert("tokens", key);
      await look();
      const { keys } = loaded;
      const others = keys.filter(({ id }) => id !== key.id);
      const dropped = await drop(immediately ? others : keys.slice(placeOf(keys) + 2)).finally(look);
      return { kid: key.id, signTime: immediately ? clock.now() : key.createTime + AHEAD_MS, dropped };
    },
    close: looking.close,
  };
}

async function newSigningKey(now: number): Promise<InstallationKey> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const privateJwk = (await exportJWK(privateKey)) as EcPrivateJwk;
  return { id: await calculateJwkThumbprint(privateJwk), createTime: now, privateJwk, certificate: "" };
}

function publicJwk({ id, privateJwk }: InstallationKey): PublicJwk {
  const { kty, crv, x, y } = privateJwk;
  return { kty, crv, x, y, kid: id, alg: "ES256", use: "sig" };
}
