import { VaultError } from "./errors.ts";

/** An object, slot or session of the token. */
export type Handle = Buffer;

/** A mechanism of PKCS #11, with its parameter. */
interface Mechanism {
  readonly mechanism: number;
  readonly parameter?: object;
}

type Template = ReadonlyArray<{ readonly type: number; readonly value?: number | boolean | string | Buffer }>;

/** What is used of the package pkcs11js: the functions of the standard (OASIS, PKCS #11 v2.40), which do not wait. */
interface Functions {
  load(path: string): void;
  C_Initialize(): void;
  C_GetSlotList(tokenPresent: boolean): Handle[];
  C_GetTokenInfo(slot: Handle): { readonly label: string };
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_CloseSession(session: Handle): void;
  C_GetSessionInfo(session: Handle): object;
  C_Login(session: Handle, user: number, pin: string): void;
  C_FindObjectsInit(session: Handle, template: Template): void;
  C_FindObjects(session: Handle, most: number): Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_GetAttributeValue(session: Handle, object: Handle, template: Template): ReadonlyArray<{ value: Buffer }>;
  C_GenerateKey(session: Handle, mechanism: Mechanism, template: Template): Handle;
  C_DestroyObject(session: Handle, object: Handle): void;
  C_EncryptInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_Encrypt(session: Handle, input: Buffer, output: Buffer): Buffer;
  C_DecryptInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_Decrypt(session: Handle, input: Buffer, output: Buffer): Buffer;
  C_SignInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_Sign(session: Handle, input: Buffer, output: Buffer): Buffer;
}

/** The package pkcs11js, which is installed only where a token is used. */
export type Pkcs11Library = { readonly PKCS11: new () => Functions } & Readonly<Record<string, unknown>>;

export interface Pkcs11Options {
  readonly library: Pkcs11Library;
  /** The token's driver: a shared library. */
  readonly module: string;
  /** The token's label. */
  readonly token: string;
  readonly pin: string;
}

/** A session with a token, for what a KMS needs of it. Throws VaultError. */
export interface Pkcs11Token {
  /** The objects with this label, by their ids. */
  find(label: string): ReadonlyMap<number, Handle>;
  /** Makes a key that never leaves the token: AES-256 for sealing, or 256 bits for HMAC. */
  generate(label: string, id: number, use: "aes" | "hmac"): Handle;
  destroy(key: Handle): void;
  /** AES-256-GCM; the tag follows the ciphertext. */
  encrypt(key: Handle, nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Buffer;
  /** Throws `tampered`. */
  decrypt(key: Handle, nonce: Uint8Array, associated: Uint8Array, ciphertext: Uint8Array): Buffer;
  /** HMAC-SHA-256. */
  mac(key: Handle, data: Uint8Array): Buffer;
  close(): void;
}

const TAG_BYTES = 16;

/** Throws `unavailable` where the driver, the token or its PIN cannot be used. */
export function openPkcs11Token(options: Pkcs11Options): Pkcs11Token {
  const { library, token } = options;
  const names = library as unknown as Readonly<Record<string, number>>;
  const { functions, session } = openSession(options, names);

  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw new VaultError("unavailable", `the token ${token} does not answer: ${reasonOf(cause)}`, {
        cause,
      });
    }
  };
  const gcm = (nonce: Uint8Array, associated: Uint8Array): Mechanism => ({
    mechanism: names.CKM_AES_GCM!,
    parameter: {
      type: names.CK_PARAMS_AES_GCM,
      iv: Buffer.from(nonce),
      ivBits: nonce.length * 8,
      aad: Buffer.from(associated),
      tagBits: TAG_BYTES * 8,
    },
  });

  return {
    find: (label) => attempt(() => find(functions, names, session, label)),
    generate: (label, id, use) =>
      attempt(() => {
        const kind = use === "aes" ? names.CKM_AES_KEY_GEN! : names.CKM_GENERIC_SECRET_KEY_GEN!;
        return functions.C_GenerateKey(session, { mechanism: kind }, templateOf(names, label, id, use));
      }),
    destroy: (key) => attempt(() => functions.C_DestroyObject(session, key)),
    encrypt: (key, nonce, associated, plaintext) =>
      attempt(() => {
        functions.C_EncryptInit(session, gcm(nonce, associated), key);
        const room = Buffer.alloc(plaintext.length + TAG_BYTES);
        return functions.C_Encrypt(session, Buffer.from(plaintext), room);
      }),
    decrypt(key, nonce, associated, ciphertext) {
      attempt(() => functions.C_DecryptInit(session, gcm(nonce, associated), key));
      try {
        return functions.C_Decrypt(session, Buffer.from(ciphertext), Buffer.alloc(ciphertext.length));
      } catch (cause) {
        // Tokens have several names for a wrong tag, one of them "general error": one that still answers means the tag.
        attempt(() => functions.C_GetSessionInfo(session));
        throw new VaultError("tampered", "the sealed bytes do not open with this key in this context", {
          cause,
        });
      }
    },
    mac: (key, data) =>
      attempt(() => {
        functions.C_SignInit(session, { mechanism: names.CKM_SHA256_HMAC! }, key);
        return functions.C_Sign(session, Buffer.from(data), Buffer.alloc(32));
      }),
    close: () => attempt(() => functions.C_CloseSession(session)),
  };
}

function openSession(
  { library, module, token, pin }: Pkcs11Options,
  names: Readonly<Record<string, number>>,
): { readonly functions: Functions; readonly session: Handle } {
  try {
    const functions = new library.PKCS11();
    functions.load(module);
    // Both hold for the whole process, which may have several sessions.
    ignoring(names.CKR_CRYPTOKI_ALREADY_INITIALIZED!, () => functions.C_Initialize());
    const slot = functions
      .C_GetSlotList(true)
      .find((one) => functions.C_GetTokenInfo(one).label.trimEnd() === token);
    if (slot === undefined) throw new Error("it is not there");
    const session = functions.C_OpenSession(slot, names.CKF_SERIAL_SESSION! | names.CKF_RW_SESSION!);
    ignoring(names.CKR_USER_ALREADY_LOGGED_IN!, () => functions.C_Login(session, names.CKU_USER!, pin));
    return { functions, session };
  } catch (cause) {
    throw new VaultError(
      "unavailable",
      `the token ${token} of ${module} cannot be used: ${reasonOf(cause)}`,
      {
        cause,
      },
    );
  }
}

function ignoring(code: number, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === code)) throw error;
  }
}

function find(
  functions: Functions,
  names: Readonly<Record<string, number>>,
  session: Handle,
  label: string,
): ReadonlyMap<number, Handle> {
  functions.C_FindObjectsInit(session, [
    { type: names.CKA_CLASS!, value: names.CKO_SECRET_KEY! },
    { type: names.CKA_LABEL!, value: label },
  ]);
  const found: Handle[] = [];
  try {
    for (let some = functions.C_FindObjects(session, 16); some.length > 0; ) {
      found.push(...some);
      some = functions.C_FindObjects(session, 16);
    }
  } finally {
    functions.C_FindObjectsFinal(session);
  }
  const byId = new Map(
    found.map((object) => {
      const [id] = functions.C_GetAttributeValue(session, object, [{ type: names.CKA_ID! }]);
      return [id!.value.readUInt32BE(0), object];
    }),
  );
  if (byId.size < found.length) throw new Error(`it has several keys "${label}" of one number`);
  return byId;
}

/** A key that stays on the token, is usable only after the PIN, and cannot be read, not even wrapped. */
function templateOf(
  names: Readonly<Record<string, number>>,
  label: string,
  number: number,
  use: "aes" | "hmac",
): Template {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(number);
  const permitted = use === "aes" ? [names.CKA_ENCRYPT!, names.CKA_DECRYPT!] : [names.CKA_SIGN!];
  return [
    { type: names.CKA_CLASS!, value: names.CKO_SECRET_KEY! },
    { type: names.CKA_KEY_TYPE!, value: use === "aes" ? names.CKK_AES! : names.CKK_GENERIC_SECRET! },
    { type: names.CKA_VALUE_LEN!, value: 32 },
    { type: names.CKA_LABEL!, value: label },
    { type: names.CKA_ID!, value: id },
    { type: names.CKA_TOKEN!, value: true },
    { type: names.CKA_PRIVATE!, value: true },
    { type: names.CKA_SENSITIVE!, value: true },
    { type: names.CKA_EXTRACTABLE!, value: false },
    ...permitted.map((type) => ({ type, value: true })),
  ];
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
