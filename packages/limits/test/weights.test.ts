import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { ConsentRequestService } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { SignInService } from "@wellapi/gen/wellapi/identity/v1/sign_in_service_pb";
import { PreviewService } from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { expect, test } from "vitest";
import { weights } from "../src/index.ts";

test("every call that has a price of its own is in the contracts", () => {
  const services = [
    AuditService,
    ConsentRequestService,
    ConsentService,
    CredentialService,
    OrganizationService,
    PatientService,
    PreviewService,
    RecordsService,
    SignInService,
  ];
  const known = new Set(
    services.flatMap(({ typeName, methods }) => methods.map(({ name }) => `${typeName}/${name}`)),
  );
  expect(Object.keys(weights.calls).filter((name) => !known.has(name))).toEqual([]);
});
