import { randomFillSync } from "node:crypto";

/** Typed prefixes of ids. */
export type IdPrefix =
  | "acc" // access, an entry of the log
  | "app" // application
  | "bat" // batch
  | "clm" // claim of a patient
  | "con" // consent
  | "crd" // credential
  | "crq" // request for consent
  | "rrq" // request by which a patient uses a right
  | "del" // delegation
  | "dev" // device
  | "emc" // emergency code of a patient
  | "emg" // emergency access
  | "dth" // report of a death
  | "enr" // enrolment code
  | "era" // erasure
  | "grn" // grant of the OAuth server
  | "ins" // installation
  | "inv" // invitation
  | "ntc" // notice to a patient
  | "obs" // observation
  | "opr" // operator
  | "org" // organization
  | "pat" // patient
  | "pet" // petition of a person who wants to become a guardian
  | "pol" // an organization's policy
  | "psh" // push subscription
  | "psk" // passkey
  | "rcl" // recall of a session
  | "rec" // clinical record
  | "rel" // release of a code system or value set
  | "ses" // session, of a person or of an enforcer
  | "tok" // a patient's token
  | "usr"; // account of a person

/** Ids, passed in so that tests decide them. */
export interface Ids {
  /**
   * `<prefix>_` and 128 bits in 26 characters of Crockford base32, lower case. All of them are random, but for
   * accesses, whose ids begin with 48 bits of Unix time in milliseconds (as a ULID's do).
   */
  next(prefix: IdPrefix): string;
}

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** 16 bytes as 26 characters of Crockford base32, lower case, most significant first. */
export function encodeId(bytes: Uint8Array): string {
  // 130 bits in 26 digits: the two bits too many are zeros in front.
  let held = 0;
  let bits = 2;
  let text = "";
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(held >> bits) & 31];
      held &= (1 << bits) - 1;
    }
  }
  return text;
}

/** The 16 bytes of an id's 26 characters, or undefined where the text is not canonical. */
export function decodeId(text: string): Uint8Array | undefined {
  if (text.length !== 26 || text.charCodeAt(0) > 0x37) return undefined; // the first character carries 3 bits
  const bytes = new Uint8Array(16);
  let held = 0;
  let bits = -2; // the two bits too many, which are zeros
  let at = 0;
  for (let i = 0; i < 26; i++) {
    const digit = digits[text.charCodeAt(i)] ?? -1;
    if (digit < 0) return undefined;
    held = ((held & 0xff) << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >> bits;
    }
  }
  return bytes;
}

/** By character code; −1 for what is no digit. */
const digits = new Int8Array(128).fill(-1);
for (const [value, character] of [...alphabet].entries()) digits[character.charCodeAt(0)] = value;

/** Random bytes made ahead: the kernel is asked once for 256 ids. */
const pool = Buffer.alloc(16 * 256);
let used = pool.length;

function randomBlock(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 16;
  return pool.subarray(used - 16, used);
}

export const randomIds: Ids = {
  next(prefix) {
    const bytes = randomBlock();
    // There are more of them than of anything else, and an index over ids that grow is written at one place: half
    // the work. An access shows its time anyway.
    if (prefix === "acc") bytes.writeUIntBE(Date.now(), 0, 6);
    return `${prefix}_${encodeId(bytes)}`;
  },
};
