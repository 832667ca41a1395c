/** Generated from the folders of services/ by scripts/list-services.ts (make generate). Do not edit. */
export { auditService } from "@wellapi/audit";
export { codesService } from "@wellapi/codes";
export { consentService } from "@wellapi/consent";
export { fhirService } from "@wellapi/fhir";
export { gatewayService } from "@wellapi/gateway";
export { identityService } from "@wellapi/identity";
export { ingestionService } from "@wellapi/ingestion";
export { keysService } from "@wellapi/keys";
export { noticesService } from "@wellapi/notices";
export { recordsService } from "@wellapi/records";
