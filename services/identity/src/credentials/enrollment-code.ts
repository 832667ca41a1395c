import { credentialInvalid } from "../errors.ts";
import { codeKind } from "../secret.ts";

/** A code with which a machine gets the first certificate of an application. Times are UTC milliseconds. */
export interface EnrollmentCode {
  /** `enr_...` */
  readonly id: string;
  /** `digestOf` the code's text. */
  readonly fingerprint: string;
  readonly application: string;
  readonly organization: string;
  readonly createTime: number;
  readonly expireTime: number;
  /** The certificate that it was used for. */
  readonly credential?: string;
}

export const enrollmentCodes = codeKind("wellapi_ec_");

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
