import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { HttpRequest } from "@wellapi/http";
import { FhirServiceError } from "../errors.ts";

/** The header in which a caller says what it reads for. */
export const purposeHeader = "x-purpose-of-use";

/** HL7's codes (v3 PurposeOfUse, http://terminology.hl7.org/CodeSystem/v3-ActReason). */
const purposes: Readonly<Record<string, Purpose>> = {
  TREAT: Purpose.TREATMENT,
  HPAYMT: Purpose.PAYMENT,
  HOPERAT: Purpose.OPERATIONS,
  HRESCH: Purpose.RESEARCH,
  PATRQT: Purpose.PATIENT_REQUEST,
  PUBHLTH: Purpose.PUBLIC_HEALTH,
  ETREAT: Purpose.EMERGENCY,
  FAMRQT: Purpose.FAMILY_REQUEST,
};

/** What the read is for: treatment, unless the caller says otherwise. FHIR's REST has no place for it. */
export function purposeOf(request: HttpRequest): Purpose {
  const said = request.headers[purposeHeader];
  if (said === undefined) return Purpose.TREATMENT;
  const purpose = typeof said === "string" && Object.hasOwn(purposes, said) ? purposes[said] : undefined;
  if (purpose !== undefined) return purpose;
  const known = Object.keys(purposes).join(", ");
  throw new FhirServiceError(
    "INVALID_REQUEST",
    `The header ${purposeHeader} has to be one of HL7's codes ${known}`,
  );
}
