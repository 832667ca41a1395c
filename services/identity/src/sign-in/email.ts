import { invalidField } from "../errors.ts";

/** Unlike RFC 5321 it takes no quoted local part, and no address without a dot in its domain: mail to those reaches nobody. */
const pattern =
  /^[^\s@"<>(),:;\\[\]]{1,64}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+[\p{L}\p{N}-]{2,63}$/u;

/**
 * The address in the form in which it is compared. The local part is taken in small letters, too: RFC 5321 permits servers
 * to tell them apart, and none does. Throws `invalid`.
 */
export function toAddress(given: string, field = "email"): string {
  const address = given.trim().normalize("NFC").toLowerCase();
  if (address.length > 254 || !pattern.test(address)) {
    throw invalidField(field, "is no e-mail address: expected a form such as ada@example.com");
  }
  return address;
}
