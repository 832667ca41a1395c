/** Every service that the host runs: a new one is a line here. */
export { auditService } from "@wellapi/audit";
export { consentService } from "@wellapi/consent";
export { gatewayService } from "@wellapi/gateway";
export { identityService } from "@wellapi/identity";
export { ingestionService } from "@wellapi/ingestion";
export { keysService } from "@wellapi/keys";
export { recordsService } from "@wellapi/records";
