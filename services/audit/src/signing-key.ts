import { createPrivateKey, randomBytes } from "node:crypto";
import { createNoteSigner, type NoteSigner } from "@wellapi/merkle";
import type { Kms } from "@wellapi/vault";
import type { LogRepository } from "./log-repository.ts";

/** DER of a PKCS #8 Ed25519 private key up to its 32-byte seed (RFC 8410). */
const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");
const SEED_BYTES = 32;

/** The key that signs checkpoints, made at the first start. Its seed is stored only wrapped by the KMS. */
export async function loadSigner(log: LogRepository, kms: Kms, origin: string): Promise<NoteSigner> {
  const context = JSON.stringify(["audit", "checkpoint-key", origin]);
  const wrapped = (await log.signingKey()) ?? (await log.addSigningKey(await newSeed(kms, context)));
  const seed = await kms.unwrap(wrapped, context);
  const der = Buffer.concat([PKCS8_ED25519, seed]);
  const signer = createNoteSigner(origin, createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
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
