import { createHash, randomBytes } from "node:crypto";
import { credentialInvalid } from "../errors.ts";

/** A code with which a machine gets the first certificate of an application. Times are UTC milliseconds. */
export interface EnrollmentCode {
  /** `enr_...` */
  readonly id: string;
  /** SHA-256 of the code's text, 64 hexadecimal digits. A plain hash is enough: the code is 256 random bits. */
  readonly fingerprint: string;
  readonly application: string;
  readonly organization: string;
  readonly createTime: number;
  readonly expireTime: number;
  /** The certificate that it was used for. */
  readonly credential?: string;
}

const PREFIX = "wellapi_ec_";

export function newCodeText(): string {
  return PREFIX + randomBytes(32).toString("base64url");
}

export function codeFingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The code, used. Only who has the code is told why not. Throws `credential_invalid`. */
export function usedFor(code: EnrollmentCode, credential: string, now: number): EnrollmentCode {
  if (code.credential !== undefined) {
    throw credentialInvalid(
      `the enrolment code was used before, for ${code.credential}: if that is not yours, have it revoked, and ask for another code`,
    );
  }
  if (now >= code.expireTime) {
    throw credentialInvalid("the enrolment code has expired: ask for another one");
  }
  return { ...code, credential };
}
