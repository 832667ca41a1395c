import { randomInt } from "node:crypto";

/** Crockford's base 32: no I, L, O and U, so that what is copied by hand from a card is read as it was meant. */
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const group = 4;
const groups = 3;
/** Groups of characters with dashes. */
const form = new RegExp(`^[${alphabet}]{${group * groups}}$`);

/** A new emergency code with 60 random bits, such as `7K2M-QX4R-9TBD`. Guesses are counted (emergency-attempts-repository.ts). */
export function newEmergencyCode(): string {
  const characters = Array.from({ length: group * groups }, () => alphabet[randomInt(alphabet.length)]!);
  return characters.join("").replace(/(.{4})(?!$)/g, "$1-");
}

/** The characters of a code as somebody typed it: case, spaces and dashes do not count. Undefined: it is no code. */
export function readEmergencyCode(text: string): string | undefined {
  const plain = text.toUpperCase().replace(/[\s-]/g, "").replace(/O/g, "0").replace(/[IL]/g, "1");
  return form.test(plain) ? plain : undefined;
}
