import type { Change, Document, Store } from "@wellapi/store";
import type { Kms } from "@wellapi/vault";
import { collections, INSTALLATION } from "./collections.ts";
import { damaged } from "./errors.ts";

export type InstallationKeyPurpose = "authority" | "tokens";

/** A private key of the installation, ECDSA P-256. */
export interface InstallationKey {
  readonly id: string;
  /** UTC milliseconds. */
  readonly createTime: number;
  /** JSON Web Key with its private part. */
  readonly privateJwk: EcPrivateJwk;
  /** The authority's certificate, PEM; empty for keys of tokens. */
  readonly certificate: string;
}

export interface EcPrivateJwk {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  /** The private scalar: 32 bytes, base64url. */
  readonly d: string;
}

export type KeyDocument = Document & {
  readonly purpose: InstallationKeyPurpose;
  readonly id: string;
  readonly createTime: number;
  readonly x: string;
  readonly y: string;
  /** The private scalar, wrapped by the KMS. */
  readonly wrapped: Uint8Array;
  readonly certificate: string;
};

/** The installation's own private keys, wrapped by the KMS. */
export interface InstallationKeyRepository {
  /** Newest first. */
  keys(purpose: InstallationKeyPurpose): Promise<readonly InstallationKey[]>;
  insert(purpose: InstallationKeyPurpose, key: InstallationKey): Promise<void>;
  /** Rewraps keys that an older master key has wrapped. Any replica may do it, at any time. Returns how many. */
  rewrap(): Promise<number>;
  /** Commits further changes of the installation's partition together with the key. */
  delete(purpose: InstallationKeyPurpose, id: string, further?: readonly Change[]): Promise<void>;
}

const MAX_KEYS = 100;

/** The private scalar. Throws VaultError. */
export function unwrapKey(kms: Kms, { purpose, id, wrapped }: KeyDocument): Promise<Uint8Array> {
  return kms.unwrap(wrapped, wrapContext(purpose, id));
}

export function createInstallationKeyRepository(store: Store, kms: Kms): InstallationKeyRepository {
  async function toKey(document: KeyDocument): Promise<InstallationKey> {
    const { id, createTime, x, y, certificate } = document;
    const scalar = await unwrapKey(kms, document);
    const d = Buffer.from(scalar).toString("base64url");
    return { id, createTime, privateJwk: { kty: "EC", crv: "P-256", x, y, d }, certificate };
  }

  return {
    async keys(purpose) {
      const scan = { equals: [INSTALLATION, purpose], limit: MAX_KEYS };
      const { documents } = await store.scan<KeyDocument>(collections.installationKeys, scan);
      const keys = await Promise.all(documents.map(({ document }) => toKey(document)));
      return keys.sort((a, b) => b.createTime - a.createTime);
    },
    async insert(purpose, { id, createTime, privateJwk, certificate }) {
      const { x, y, d } = privateJwk;
      const wrapped = await kms.wrap(Buffer.from(d, "base64url"), wrapContext(purpose, id));
      const document: KeyDocument = {
        partition: INSTALLATION,
        purpose,
        id,
        createTime,
        x,
        y,
        wrapped,
        certificate,
      };
      const result = await store.commit({
        useReserve: true,
        partition: INSTALLATION,
        changes: [{ kind: "insert", collection: collections.installationKeys, document }],
      });
      if (!result.committed) throw damaged("a key of the installation exists already");
    },
    async rewrap() {
      let count = 0;
      for (const purpose of ["authority", "tokens"] as const) {
        const scan = { equals: [INSTALLATION, purpose], limit: MAX_KEYS };
        const { documents } = await store.scan<KeyDocument>(collections.installationKeys, scan);
        for (const { document, revision } of documents) {
          const wrapped = await kms.rewrap(document.wrapped, wrapContext(purpose, document.id));
          if (wrapped === undefined) continue;
          const change = { kind: "replace", collection: collections.installationKeys } as const;
          const result = await store.commit({
            useReserve: true,
            partition: INSTALLATION,
            changes: [{ ...change, document: { ...document, wrapped }, ifRevision: revision }],
          });
          if (result.committed) count += 1;
        }
      }
      return count;
    },
    async delete(purpose, id, further = []) {
      const key = [INSTALLATION, purpose, id];
      await store.commit({
        useReserve: true,
        partition: INSTALLATION,
        changes: [{ kind: "delete", collection: collections.installationKeys, key }, ...further],
      });
    },
  };
}

function wrapContext(purpose: InstallationKeyPurpose, id: string): string {
  return JSON.stringify(["identity/installation-keys", purpose, id]);
}
