import { createHmac, randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";

const keyAgeMs = 30 * 86_400_000;
/** An HMAC costs more than the rest of a line. */
const rememberedAddresses = 1_000;

/**
 * Names for addresses: the same while the key lasts, so that lines from one address are found together, and without the key
 * no way back, not even by trying all addresses. The key lies in memory only; a new one is drawn after 30 days, and at each start.
 * `now`: monotonic milliseconds.
 */
export function createAddressPseudonyms(now: () => number): (address: string) => string {
  let key = randomBytes(32);
  let drawn = now();
  const names = new LRUCache<string, string>({ max: rememberedAddresses });
  return (address) => {
    if (now() - drawn >= keyAgeMs) {
      key = randomBytes(32);
      drawn = now();
      names.clear();
    }
    const known = names.get(address);
    if (known !== undefined) return known;
    // A socket for both families has IPv4 addresses as IPv6 (RFC 4291, 2.5.5.2).
    const canonical = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
    const name = createHmac("sha256", key).update(canonical).digest("base64url").slice(0, 16);
    names.set(address, name);
    return name;
  };
}
