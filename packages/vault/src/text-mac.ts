import { createHmac, createSecretKey } from "node:crypto";

/**
 * Stands for a text where the text itself may not lie: HMAC-SHA-256 under a secret of the installation, in base64url. Equal
 * texts have equal MACs, so documents can be found by it.
 */
export function createTextMac(secret: Uint8Array): (text: string) => string {
  // A KeyObject: raw bytes would be made into one at each use.
  const key = createSecretKey(secret);
  return (text) => createHmac("sha256", key).update(text).digest("base64url");
}
