import { randomInt } from "node:crypto";
import { Secret, TOTP } from "otpauth";

const PERIOD_SECONDS = 30;
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** An authenticator app's secret (RFC 6238): 160 bits, base32. */
export function newTotpSecret(): string {
  return new Secret({ size: 20 }).base32;
}

function totpOf(secret: string, label: string): TOTP {
  const algorithm = "SHA1"; // All that most apps know (RFC 6238, 1.2).
  return new TOTP({ issuer: "WellAPI", label, algorithm, digits: 6, period: PERIOD_SECONDS, secret });
}

/** `otpauth://totp/...` */
export function totpUri(secret: string, label: string): string {
  return totpOf(secret, label).toString();
}

/**
 * The time step of the code, which is right for its own and the steps before and after it; undefined where it is wrong, or
 * of a step that was used (`lastStep`).
 */
export function totpStep(secret: string, code: string, now: number, lastStep: number): number | undefined {
  const delta = totpOf(secret, "").validate({ token: code, timestamp: now, window: 1 });
  if (delta === null) return undefined;
  const step = Math.floor(now / 1000 / PERIOD_SECONDS) + delta;
  return step > lastStep ? step : undefined;
}

/** Ten codes of 50 random bits: `xxxxx-xxxxx` in Crockford's base32. */
export function newRecoveryCodes(): readonly string[] {
  const five = () => Array.from({ length: 5 }, () => alphabet[randomInt(32)]).join("");
  return Array.from({ length: 10 }, () => `${five()}-${five()}`);
}

/** A recovery code as it may be typed: letters that look like digits are those digits. */
export function toRecoveryCode(typed: string): string {
  const code = typed.toLowerCase().replace(/[\s-]/g, "").replace(/o/g, "0").replace(/[il]/g, "1");
  return `${code.slice(0, 5)}-${code.slice(5)}`;
}
