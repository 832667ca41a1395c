import { randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { VaultError } from "./errors.ts";
import { openBox, sealBox } from "./sealed-box.ts";

const stretch = promisify<
  string,
  Uint8Array,
  number,
  { N: number; r: number; p: number; maxmem: number },
  Buffer
>(scrypt);

/** A key file that is sealed with a passphrase: JSON, which begins with this. */
const begin = '{"format":"wellapi-sealed-key/1"';

/** Cost of a guess (RFC 7914): 128 MiB and about 0.4 s. OWASP's first choice for scrypt, Password Storage Cheat Sheet. */
const usual = { N: 2 ** 17, r: 8, p: 1 } as const;
/** A file with other costs than these is refused: it would let whoever writes it take all memory of a start. */
const most = { N: 2 ** 20, r: 8, p: 4 } as const;

const KEY_BYTES = 32;
const SALT_BYTES = 32;
/** Whoever has the file guesses offline, at the cost above. */
export const shortestPassphrase = 16;

interface SealedKeyFile {
  readonly format: "wellapi-sealed-key/1";
  readonly kdf: { readonly name: "scrypt"; readonly N: number; readonly r: number; readonly p: number };
  /** Base64, like `sealed`. */
  readonly salt: string;
  readonly sealed: string;
}

/** Whether the bytes of a key file are sealed: 32 random bytes never begin like this. */
export function isSealed(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, begin.length)).toString("latin1") === begin;
}

/** Seals the content of a key file: AES-256-GCM under a key that scrypt makes from the passphrase. */
export async function sealKeyFile(content: Uint8Array, passphrase: string): Promise<Buffer> {
  if (passphrase.length < shortestPassphrase) {
    throw new VaultError("invalid", `a passphrase has at least ${shortestPassphrase} characters`);
  }
  const kdf = { name: "scrypt", ...usual } as const;
  const salt = randomBytes(SALT_BYTES).toString("base64");
  const key = await keyOf(passphrase, kdf, salt);
  const sealed = Buffer.from(sealBox(key, new Uint8Array(), associate(kdf, salt), content)).toString(
    "base64",
  );
  key.fill(0);
  const file: SealedKeyFile = { format: "wellapi-sealed-key/1", kdf, salt, sealed };
  return Buffer.from(`${JSON.stringify(file)}\n`);
}

/** Throws `invalid` for another passphrase, and for a file that is not as it was written. */
export async function openKeyFile(bytes: Uint8Array, passphrase: string, path: string): Promise<Buffer> {
  const { kdf, salt, sealed } = parse(bytes, path);
  const key = await keyOf(passphrase, kdf, salt);
  try {
    return Buffer.from(openBox(key, 0, associate(kdf, salt), Buffer.from(sealed, "base64")));
  } catch (cause) {
    throw new VaultError(
      "invalid",
      `the passphrase does not open the key file ${path}, or the file is damaged`,
      { cause },
    );
  } finally {
    key.fill(0);
  }
}

function parse(bytes: Uint8Array, path: string): SealedKeyFile {
  const damaged = `the key file ${path} is sealed, but damaged: restore it from its backup`;
  let file: Partial<SealedKeyFile>;
  try {
    file = JSON.parse(Buffer.from(bytes).toString("utf8")) as Partial<SealedKeyFile>;
  } catch (cause) {
    throw new VaultError("invalid", damaged, { cause });
  }
  const { kdf, salt, sealed } = file;
  const costs = (["N", "r", "p"] as const).every((name) => {
    const cost = kdf?.[name];
    return Number.isInteger(cost) && cost! >= usual[name] && cost! <= most[name];
  });
  const isPower = kdf !== undefined && Math.log2(kdf.N) % 1 === 0;
  if (
    kdf?.name !== "scrypt" ||
    !costs ||
    !isPower ||
    typeof salt !== "string" ||
    typeof sealed !== "string"
  ) {
    throw new VaultError("invalid", damaged);
  }
  return file as SealedKeyFile;
}

async function keyOf(passphrase: string, { N, r, p }: SealedKeyFile["kdf"], salt: string): Promise<Buffer> {
  // One text, however it was typed: an umlaut has two encodings.
  const text = passphrase.normalize("NFKC");
  return stretch(text, Buffer.from(salt, "base64"), KEY_BYTES, { N, r, p, maxmem: 256 * N * r });
}

function associate({ name, N, r, p }: SealedKeyFile["kdf"], salt: string): Uint8Array {
  return Buffer.from(JSON.stringify(["wellapi-sealed-key/1", name, N, r, p, salt]));
}
