import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { TerminologyService } from "@wellapi/gen/wellapi/terminology/v1/terminology_service_pb";
import { CallerKind } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { callersOf } from "@wellapi/rpc";

/** Whether the method's answers are a patient's data, which leave under consent: what an application may ask records for. */
export function isConsented(method: DescMethod): boolean {
  if (method.parent.typeName !== RecordsService.typeName) return false;
  const named = method.input.fields.some(({ name }) => name === "patient");
  return named && callersOf(method)?.kinds.includes(CallerKind.APPLICATION) === true;
}

/** Every service of the contracts that is for callers from outside. A test compares with the contracts' options. */
export const publicServices: readonly DescService[] = [
  AuditService,
  ConsentService,
  CredentialService,
  IngestionService,
  OrganizationService,
  PatientService,
  RecordsService,
  TerminologyService,
  TokenService,
];
