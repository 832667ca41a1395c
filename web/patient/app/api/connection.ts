import { createClient, type Transport } from "@connectrpc/connect";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { ConsentReceiptService } from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import { ConsentRequestService } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { DeletionObligationService } from "@wellapi/gen/wellapi/consent/v1/deletion_obligation_service_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { createPageTransport } from "@wellapi/ui/browser/page-transport";
import { keptAnswers } from "../offline/kept-answers.ts";

/** The exchange, called as this: the same contracts as everyone's. */
export interface Connection {
  readonly transport: Transport;
  readonly account: ReturnType<typeof accountsOf>;
  readonly organizations: ReturnType<typeof organizationsOf>;
  readonly patients: ReturnType<typeof patientsOf>;
  readonly consents: ReturnType<typeof consentsOf>;
  readonly requests: ReturnType<typeof requestsOf>;
  readonly receipts: ReturnType<typeof receiptsOf>;
  readonly obligations: ReturnType<typeof obligationsOf>;
  readonly audit: ReturnType<typeof auditOf>;
}

const accountsOf = (transport: Transport) => createClient(AccountService, transport);
const organizationsOf = (transport: Transport) => createClient(OrganizationService, transport);
const patientsOf = (transport: Transport) => createClient(PatientService, transport);
const consentsOf = (transport: Transport) => createClient(ConsentService, transport);
const requestsOf = (transport: Transport) => createClient(ConsentRequestService, transport);
const receiptsOf = (transport: Transport) => createClient(ConsentReceiptService, transport);
const obligationsOf = (transport: Transport) => createClient(DeletionObligationService, transport);
const auditOf = (transport: Transport) => createClient(AuditService, transport);

/** `actingAs`: a patient's id, or `account`. */
export function connect(actingAs: string): Connection {
  const transport = createPageTransport(actingAs, [keptAnswers.keeping(actingAs)]);
  return {
    transport,
    account: accountsOf(transport),
    organizations: organizationsOf(transport),
    patients: patientsOf(transport),
    consents: consentsOf(transport),
    requests: requestsOf(transport),
    receipts: receiptsOf(transport),
    obligations: obligationsOf(transport),
    audit: auditOf(transport),
  };
}
