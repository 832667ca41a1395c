import { type FhirObject, type FhirResource, isObject } from "@wellapi/fhir-r4";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import type { HttpReply } from "@wellapi/http";
import { FhirServiceError } from "../../errors.ts";
import { consentOfText } from "../../mapping/consent-convert.ts";
import { fhirPatientId } from "../../mapping/logical-id.ts";
import { patientOfText } from "../../mapping/subject.ts";
import { sendResource, sentResource } from "../content.ts";
import { calling, type Exchange } from "../exchange.ts";
import { notFound } from "../not-found.ts";

/** Of HL7's guide Scalable Consent Management (hl7.fhir.us.consent-management 1.0.0-ballot). */
export const revokeOperation = {
  name: "revokeConsent",
  definition: "http://hl7.org/fhir/us/consent-management/OperationDefinition/revoke-consent",
  documentation:
    "POST [base]/Consent/$revokeConsent with Parameters: consent and patient, references to what is here. By the patient, or who acts for them. No document is taken: the entry of the log and the signed receipt prove the revocation.",
};

/** POST Consent/$revokeConsent: as RevokeConsent. Once it has answered, no read that begins later gets anything under the consent. */
export async function revokeConsent(exchange: Exchange): Promise<HttpReply> {
  const asked = askedOf(sentResource(exchange.request), exchange.base);
  const consents = exchange.client(ConsentService);
  const { consent } = await consents.getConsent({ consent: asked.consent }, calling);
  // Whoever names another patient means another consent.
  if (consent === undefined || fhirPatientId(consent.patient) !== asked.patient) throw notFound();
  await consents.revokeConsent({ consent: asked.consent }, calling);
  const outcome: FhirResource = {
    resourceType: "OperationOutcome",
    issue: [{ severity: "information", code: "informational", diagnostics: "The consent is revoked." }],
  };
  return sendResource(exchange.reply, exchange.format, outcome);
}

/** Throws INVALID_REQUEST where it is not exactly a consent and a patient. */
function askedOf(sent: FhirResource, base: string): { readonly consent: string; readonly patient: string } {
  const list = Array.isArray(sent.parameter) ? sent.parameter.filter(isObject) : [];
  const named = (name: string) => list.filter((one) => one.name === name);
  const [consents, patients] = [named("consent"), named("patient")];
  const whole = consents.length === 1 && patients.length === 1 && list.length === 2;
  if (sent.resourceType !== "Parameters" || !whole) {
    throw new FhirServiceError(
      "INVALID_REQUEST",
      "Send Parameters with consent and patient, each once and as a valueReference, and nothing else: documents are not kept",
    );
  }
  const consent = consentOfText(referenceIn(consents[0]!), base);
  const patient = patientOfText(referenceIn(patients[0]!), base);
  if (consent === undefined || patient === undefined) {
    throw new FhirServiceError(
      "INVALID_REQUEST",
      "consent and patient have to be references to what is here: Consent/con-… and Patient/pat-…",
    );
  }
  return { consent, patient: fhirPatientId(patient) };
}

function referenceIn({ valueReference }: FhirObject): string {
  const reference = isObject(valueReference) ? valueReference.reference : undefined;
  return typeof reference === "string" ? reference : "";
}
