import type { Change, Store } from "@wellapi/store";
import type { Kms } from "@wellapi/vault";
import webPush from "web-push";
import { collections, INSTALLATION, type PushKeyDocument } from "./collections.ts";

/** The key pair by which push services know this installation (RFC 8292), base64url. */
export interface PushKey {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** There is one, for ever: browsers subscribe to it. */
const ID = "vapid";

/**
 * The installation's key, made at the first start; the private part is wrapped by the KMS, and again where an older master key
 * wrapped it. Throws StoreError, VaultError.
 */
export async function openPushKey(deps: {
  readonly store: Store;
  readonly kms: Pick<Kms, "wrap" | "unwrap" | "rewrap">;
  readonly clock: { now(): number };
}): Promise<PushKey> {
  const { store, kms, clock } = deps;
  const { pushKeys: collection } = collections;
  const find = () => store.get<PushKeyDocument>(collection, [INSTALLATION, ID]);
  if ((await find()) === undefined) {
    const { publicKey, privateKey } = webPush.generateVAPIDKeys();
    const wrapped = await kms.wrap(Buffer.from(privateKey, "base64url"), wrapContext);
    const document: PushKeyDocument = {
      partition: INSTALLATION,
      id: ID,
      create_time: clock.now(),
      public_key: publicKey,
      wrapped,
    };
    // Another replica may be faster: then its key is the one.
    await store.commit({ partition: INSTALLATION, changes: [{ kind: "insert", collection, document }] });
  }
  const stored = (await find())!;
  const { public_key: publicKey, wrapped } = stored.document;
  const rewrapped = await kms.rewrap(wrapped, wrapContext);
  if (rewrapped !== undefined) {
    const document = { ...stored.document, wrapped: rewrapped };
    const change: Change = { kind: "replace", collection, document, ifRevision: stored.revision };
    await store.commit({ partition: INSTALLATION, changes: [change] });
  }
  const privateKey = Buffer.from(await kms.unwrap(wrapped, wrapContext)).toString("base64url");
  return { publicKey, privateKey };
}

/** Throws VaultError. */
export async function checkPushKey(kms: Pick<Kms, "unwrap">, { wrapped }: PushKeyDocument): Promise<void> {
  await kms.unwrap(wrapped, wrapContext);
}

const wrapContext = "notices/push-key";
