/** Generated from the folders of services/ by scripts/list-services.ts (make generate). Do not edit. */
export { auditService } from "@wellapi/audit/descriptor";
export { codesService } from "@wellapi/codes/descriptor";
export { consentService } from "@wellapi/consent/descriptor";
export { fhirService } from "@wellapi/fhir/descriptor";
export { gatewayService } from "@wellapi/gateway/descriptor";
export { identityService } from "@wellapi/identity/descriptor";
export { ingestionService } from "@wellapi/ingestion/descriptor";
export { keysService } from "@wellapi/keys/descriptor";
export { noticesService } from "@wellapi/notices/descriptor";
export { recordsService } from "@wellapi/records/descriptor";
