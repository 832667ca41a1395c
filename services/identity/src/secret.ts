import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** 256 random bits, base64url. */
export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/**
 * What is stored of a secret, and looked up: SHA-256, 64 hexadecimal digits. Of secrets with 256 random bits, which are no
 * passwords: nothing shorter is safe behind a plain hash. The timing of a lookup by hash tells nothing that helps to guess one.
 */
export function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Whether both are the same, in a time that says nothing of how far they agree. */
export function sameText(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(a!, b!);
}

/** Codes of one kind, each given to somebody once: a prefix by which a scanner finds them, and a secret. */
export interface CodeKind {
  create(): string;
  /** False for a text that is no such code of any installation. Spares the store a lookup; proves nothing. */
  looksLike(text: string): boolean;
}

export function codeKind(prefix: string): CodeKind {
  return {
    create: () => prefix + newSecret(),
    looksLike: (text) => text.startsWith(prefix) && /^[A-Za-z0-9_-]{43}$/.test(text.slice(prefix.length)),
  };
}
