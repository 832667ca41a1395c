import type { DescService } from "@bufbuild/protobuf";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { RequestLogService } from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import { UsageService } from "@wellapi/gen/wellapi/audit/v1/usage_service_pb";
import { CodeReleaseService } from "@wellapi/gen/wellapi/codes/v1/code_release_service_pb";
import { CodeService } from "@wellapi/gen/wellapi/codes/v1/code_service_pb";
import { ConsentReceiptService } from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import { ConsentRequestService } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { DeathService } from "@wellapi/gen/wellapi/consent/v1/death_service_pb";
import { DeletionObligationService } from "@wellapi/gen/wellapi/consent/v1/deletion_obligation_service_pb";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { RightsService } from "@wellapi/gen/wellapi/consent/v1/rights_service_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { GrantService } from "@wellapi/gen/wellapi/identity/v1/grant_service_pb";
import { GuardianshipService } from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { LimitService } from "@wellapi/gen/wellapi/identity/v1/limit_service_pb";
import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { OAuthInteractionService } from "@wellapi/gen/wellapi/identity/v1/oauth_interaction_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { PolicyService } from "@wellapi/gen/wellapi/identity/v1/policy_service_pb";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { SignInService } from "@wellapi/gen/wellapi/identity/v1/sign_in_service_pb";
import { StaffService } from "@wellapi/gen/wellapi/identity/v1/staff_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { EventService } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { NoticesService } from "@wellapi/gen/wellapi/notices/v1/notices_service_pb";
import { WebhookService } from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { PreviewService } from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { TerminologyService } from "@wellapi/gen/wellapi/terminology/v1/terminology_service_pb";

/** Every public service: a test compares them with the contracts. The page that shows them is loaded alone, for they are large. */
export const publicServices: readonly DescService[] = [
  AuditService,
  RequestLogService,
  UsageService,
  CodeReleaseService,
  CodeService,
  ConsentReceiptService,
  ConsentRequestService,
  ConsentService,
  DeathService,
  DeletionObligationService,
  EmergencyService,
  RightsService,
  AccountService,
  CredentialService,
  DelegationService,
  GrantService,
  GuardianshipService,
  LimitService,
  MemberService,
  OAuthInteractionService,
  OrganizationService,
  PatientService,
  PolicyService,
  SandboxService,
  SignInService,
  StaffService,
  TokenService,
  IngestionService,
  EventService,
  NoticesService,
  WebhookService,
  ClinicalRecordsService,
  ExportService,
  PreviewService,
  RecordsService,
  TerminologyService,
];
