import { createPrivateKey, randomBytes } from "node:crypto";
import { openSuccession, type Succession, signSuccession } from "@wellapi/log-verifier";
import { createNoteSigner, type NoteSigner } from "@wellapi/merkle";
import type { Kms } from "@wellapi/vault";
import type { DurableFile } from "./durable-file.ts";
import { startRefused } from "./errors.ts";
import type { LogRepository, StoredSuccession } from "./log-repository.ts";

/** DER of a PKCS #8 Ed25519 private key up to its 32-byte seed (RFC 8410). */
const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");
const SEED_BYTES = 32;

/** The keys that have signed the log's checkpoints: the first one and its successors. */
export interface LogKeys {
  /** Signs. Its name is the log's origin. */
  readonly current: NoteSigner;
  /**
   * Signs beside the current key, for readers who do not know the new key yet: after a rotation the previous key,
   * until the next succession. After a declared break none, because the name differs.
   */
  readonly before: NoteSigner | undefined;
  /** The succession to the current key, where it is not the first. */
  readonly last: Succession | undefined;
  /** All successions, oldest first. */
  readonly notes: readonly string[];
  /** A new key, durable in both places when it resolves. */
  succeed(succession: Pick<Succession, "reason" | "published" | "continues" | "time">): Promise<LogKeys>;
}

interface Chain {
  readonly first: Uint8Array;
  readonly successions: readonly StoredSuccession[];
}

/**
 * Keys are stored in the store and apart from it. A key that was made after a backup must outlive the restore,
 * otherwise its succession could never be stated. The longer of the two chains counts. Makes the first key where
 * there is none.
 */
export async function openLogKeys(options: {
  readonly log: LogRepository;
  readonly kms: Kms;
  /** Of the first key. */
  readonly origin: string;
  /** Apart from the store. */
  readonly file: DurableFile;
}): Promise<LogKeys> {
  const { log, kms, origin, file } = options;
  const stored: Chain = {
    first: (await log.signingKey()) ?? (await log.addSigningKey(await newSeed(kms, contextOf(origin, 0)))),
    successions: await log.successions(),
  };
  const kept = await file.read();
  const apart = parseChain(kept);
  const longer = apart && apart.successions.length > stored.successions.length ? apart : stored;
  if (apart && !(isBeginningOf(apart, longer) && isBeginningOf(stored, longer))) {
    throw startRefused(
      "behind_checkpoint",
      "the keys kept apart are not this store's: the store is another log's",
    );
  }
  const chain = await rewrapped(longer);
  await keep(chain);
  return keysOf(chain);

  /** Wrapped by the master key in use, where that one replaced an older one. */
  async function rewrapped(longest: Chain): Promise<Chain> {
    let changed = false;
    const wrap = async (wrapped: Uint8Array, place: number) => {
      const anew = await kms.rewrap(wrapped, contextOf(origin, place));
      changed ||= anew !== undefined;
      return anew ?? wrapped;
    };
    const first = await wrap(longest.first, 0);
    const successions = await Promise.all(
      longest.successions.map(async ({ note, wrapped }, i) => ({
        note,
        wrapped: await wrap(wrapped, i + 1),
      })),
    );
    return changed ? { first, successions } : longest;
  }

  async function keep(chain: Chain): Promise<void> {
    // A start on a full disk must not write.
    if (formatChain(chain) !== kept) await file.write(formatChain(chain));
    if (chain !== stored) await log.setKeys(chain);
  }

  async function keysOf({ first, successions }: Chain): Promise<LogKeys> {
    const signers = [await signerOf(kms, origin, first, contextOf(origin, 0))];
    let last: Succession | undefined;
    for (const [i, { note, wrapped }] of successions.entries()) {
      last = openSuccession(note, signers[i]!.verifierKey);
      const name = last.to.slice(0, last.to.indexOf("+"));
      signers.push(await signerOf(kms, name, wrapped, contextOf(origin, i + 1)));
    }
    const current = signers.at(-1)!;
    return {
      current,
      before: last?.reason === "rotated" ? signers.at(-2) : undefined,
      last,
      notes: successions.map(({ note }) => note),
      async succeed(succession) {
        const breaks = successions.filter(({ note }) => note.includes("\nreason restored\n")).length;
        const name = succession.reason === "restored" ? `${origin}/${breaks + 2}` : current.name;
        const wrapped = await newSeed(kms, contextOf(origin, successions.length + 1));
        const to = await signerOf(kms, name, wrapped, contextOf(origin, successions.length + 1));
        const note = signSuccession(succession, { from: current, to });
        const grown = { first, successions: [...successions, { note, wrapped }] };
        await keep(grown);
        return keysOf(grown);
      },
    };
  }
}

function contextOf(origin: string, place: number): string {
  return JSON.stringify(["audit", "checkpoint-key", origin, ...(place === 0 ? [] : [place])]);
}

async function signerOf(kms: Kms, name: string, wrapped: Uint8Array, context: string): Promise<NoteSigner> {
  const seed = await kms.unwrap(wrapped, context);
  const der = Buffer.concat([PKCS8_ED25519, seed]);
  const signer = createNoteSigner(name, createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  seed.fill(0);
  der.fill(0);
  return signer;
}

async function newSeed(kms: Kms, context: string): Promise<Uint8Array> {
  const seed = randomBytes(SEED_BYTES);
  const wrapped = await kms.wrap(seed, context);
  seed.fill(0);
  return wrapped;
}

/** Compares by the notes: the same seed may be wrapped in two ways. */
function isBeginningOf(one: Chain, chain: Chain): boolean {
  return one.successions.every(({ note }, i) => chain.successions[i]?.note === note);
}

function formatChain({ first, successions }: Chain): string {
  const wrappedText = (wrapped: Uint8Array) => Buffer.from(wrapped).toString("base64");
  const rest = successions.map(({ note, wrapped }) => ({ note, wrapped: wrappedText(wrapped) }));
  return `${JSON.stringify({ first: wrappedText(first), successions: rest }, null, 2)}\n`;
}

function parseChain(text: string | undefined): Chain | undefined {
  if (text === undefined) return undefined;
  try {
    const { first, successions } = JSON.parse(text) as {
      first: string;
      successions: Array<{ note: string; wrapped: string }>;
    };
    const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));
    return {
      first: bytes(first),
      successions: successions.map(({ note, wrapped }) => ({ note, wrapped: bytes(wrapped) })),
    };
  } catch (cause) {
    throw startRefused(
      "behind_checkpoint",
      "the file of the log's keys, apart from the store, cannot be read",
      {
        cause,
      },
    );
  }
}
