/** Which public RPCs take access tokens, and how each keeps a token for one patient to that patient. */
import { callersOf, type Principal, unmetBy } from "@wellapi/rpc";
import { expect, test } from "vitest";
import { publicFiles } from "./descriptors.ts";

/**
 * Who looks whom the call is about where the token is for one patient; `refused`: nobody does, so such a token is not taken.
 * An RPC that takes access tokens and is not here fails: say who looks, with a test in that service.
 */
const kept: Readonly<
  Record<string, "records" | "consent" | "notices" | "about no patient" | "patients only" | "refused">
> = {
  "AuditService/ListAccesses": "refused",
  "AuditService/GetAccess": "refused",
  "UsageService/ListUsage": "refused",
  "RequestLogService/ListRequests": "refused",
  "RequestLogService/WatchRequests": "refused",
  "ConsentService/CreateConsent": "patients only",
  "ConsentService/GetConsent": "consent",
  "ConsentService/ListConsents": "consent",
  "ConsentService/RevokeConsent": "patients only",
  "ConsentService/ListConsentRevisions": "consent",
  "ConsentReceiptService/GetConsentReceipt": "consent",
  "EventService/ListEvents": "notices",
  "EventService/WatchEvents": "notices",
  "WebhookService/CreateWebhookEndpoint": "notices",
  "WebhookService/GetWebhookEndpoint": "notices",
  "WebhookService/ListWebhookEndpoints": "notices",
  "WebhookService/UpdateWebhookEndpoint": "notices",
  "WebhookService/DeleteWebhookEndpoint": "notices",
  "WebhookService/RotateWebhookSecret": "notices",
  "WebhookService/TestWebhookEndpoint": "notices",
  "WebhookService/ListWebhookDeliveries": "notices",
  "WebhookService/RetryWebhookDelivery": "notices",
  "WebhookService/ReplayWebhookEvents": "notices",
  "ConsentRequestService/GetConsentRequest": "consent",
  "ConsentRequestService/ListConsentRequests": "consent",
  "AuditService/AggregateDisclosures": "patients only",
  "DeletionObligationService/GetDeletionObligation": "consent",
  "DeletionObligationService/ListDeletionObligations": "consent",
  "DeletionObligationService/AnswerDeletionObligation": "refused",
  "RightsService/CreateRightsRequest": "patients only",
  "RightsService/GetRightsRequest": "consent",
  "RightsService/ListRightsRequests": "consent",
  "RightsService/WithdrawRightsRequest": "patients only",
  "RightsService/AnswerRightsRequest": "refused",
  "ConsentRequestService/AcceptConsentRequest": "patients only",
  "ConsentRequestService/RefuseConsentRequest": "patients only",
  "ConsentRequestService/CreateConsentRequest": "refused",
  "ConsentRequestService/WithdrawConsentRequest": "refused",
  "CodeService/LookupCode": "about no patient",
  "CodeService/ValidateCode": "about no patient",
  "CodeService/ExpandValueSet": "about no patient",
  "CodeService/TranslateCode": "about no patient",
  "OrganizationService/GetOrganization": "about no patient",
  "OrganizationService/BatchGetOrganizations": "about no patient",
  "OrganizationService/ListOrganizations": "patients only",
  "PatientService/GetPatient": "patients only",
  "PatientService/UpdatePatient": "patients only",
  "IngestionService/StreamSeries": "records",
  "IngestionService/StreamObservations": "records",
  "IngestionService/CreateSeries": "records",
  "IngestionService/CreateFromVendor": "records",
  "IngestionService/CreateObservations": "records",
  "IngestionService/RetractBatch": "records",
  "ClinicalRecordsService/PutClinicalRecord": "records",
  "ClinicalRecordsService/DeleteClinicalRecord": "records",
  "ClinicalRecordsService/WriteClinicalRecords": "records",
  "ClinicalRecordsService/StreamClinicalRecords": "records",
  "ClinicalRecordsService/GetClinicalRecord": "records",
  "ClinicalRecordsService/ListClinicalRecords": "records",
  "ClinicalRecordsService/ListClinicalRecordVersions": "records",
  "ExportService/PrepareDownload": "patients only",
  "ExportService/OpenDownload": "patients only",
  "ExportService/CreateExport": "records",
  "ExportService/GetExport": "records",
  "ExportService/CancelExport": "records",
  "ExportService/ReadDeIdentified": "refused",
  "RecordsService/ReadSeries": "records",
  "RecordsService/WatchSeries": "records",
  "RecordsService/QuerySeries": "records",
  "RecordsService/ListSeries": "records",
  "RecordsService/AggregateSeries": "records",
  "RecordsService/MergeSeries": "records",
  "RecordsService/GetDevicePriority": "patients only",
  "RecordsService/SetDevicePriority": "patients only",
  "RecordsService/ListObservations": "records",
  "RecordsService/SearchObservations": "refused",
  "RecordsService/GetObservation": "records",
  "EmergencyService/GetEmergencySettings": "patients only",
  "EmergencyService/RefuseEmergencyAccess": "patients only",
  "EmergencyService/AllowEmergencyAccess": "patients only",
  "EmergencyService/CreateEmergencyCode": "patients only",
  "EmergencyService/DeleteEmergencyCode": "patients only",
  "EmergencyService/ListEmergencyAccesses": "patients only",
  "EmergencyService/EndEmergencyAccess": "patients only",
  // By the command line in a person's hands: no token for one patient has their scopes.
  "AccountService/EndSessions": "refused",
  "AccountService/GetAccount": "refused",
  "AccountService/ListActingOptions": "refused",
  "AccountService/ListSessions": "refused",
  "DelegationService/InviteCarer": "refused",
  "DelegationService/InviteGuardian": "refused",
  "DelegationService/InviteRepresentative": "refused",
  "DeathService/ReportDeath": "refused",
  "DeathService/ListDeathReports": "refused",
  "DeathService/ConfirmDeath": "refused",
  "DeathService/DismissDeathReport": "refused",
  "DeathService/UndoDeath": "refused",
  "DelegationService/AcceptDelegation": "refused",
  "DelegationService/ListDelegations": "refused",
  "DelegationService/EndDelegation": "refused",
  "DelegationService/SetGuardianState": "refused",
  "GrantService/ListGrants": "refused",
  "GrantService/EndGrants": "refused",
  "GuardianshipService/CreateGuardianCode": "refused",
  "GuardianshipService/GetGuardianCode": "refused",
  "GuardianshipService/CreatePetition": "refused",
  "GuardianshipService/ListPetitions": "refused",
  "GuardianshipService/WithdrawPetition": "refused",
  "GuardianshipService/DecidePetition": "refused",
  "GuardianshipService/ListGuardianships": "refused",
  "GuardianshipService/DisputeGuardian": "refused",
  "GuardianshipService/ListDisputes": "refused",
  "MemberService/InviteMember": "refused",
  "MemberService/ListInvitations": "refused",
  "MemberService/RevokeInvitation": "refused",
  "MemberService/AcceptInvitation": "refused",
  "MemberService/ListMembers": "refused",
  "MemberService/UpdateMember": "refused",
  "MemberService/RemoveMember": "refused",
  "EmergencyService/OpenEmergencyAccess": "refused",
  "EmergencyService/EndOpenEmergencyAccesses": "refused",
  "OrganizationService/EnableEmergencyAccess": "refused",
  "OrganizationService/DisableEmergencyAccess": "refused",
  "OrganizationService/VerifyOrganization": "refused",
  "OrganizationService/UnverifyOrganization": "refused",
  "PatientService/CreateClaimCode": "refused",
  "PatientService/ClaimPatient": "refused",
};

const methods = (await publicFiles())
  .flatMap(({ services }) => services)
  .flatMap(({ name, methods: all }) =>
    all.map((method) => ({ rpc: `${name}/${method.name}`, callers: callersOf(method) })),
  )
  .filter(({ callers }) => callers?.kinds.some((kind) => kind !== 1) === true);

test("the RPCs that take access tokens are those of the table", () => {
  const taking = methods.filter(({ callers }) => (callers?.scopes.length ?? 0) > 0);
  expect(taking.map(({ rpc }) => rpc).sort()).toEqual(Object.keys(kept).sort());
});

const application: Principal = { kind: "application", id: "app_1", organization: "org_1" };
const everything = ["AuditEvent", "Consent", "Observation", "Organization", "Patient", "*"].map(
  (resource) => `patient/${resource}.cruds`,
);

test.each(methods.map(({ rpc, callers }) => [rpc, callers] as const))(
  "%s: a token for one patient",
  (rpc, callers) => {
    const told = (principal: Principal) => unmetBy(callers, { principal, workload: "door", token: "" });
    const limited = told({ ...application, scopes: everything, onlyPatient: "local/pat_1" });
    switch (kept[rpc]) {
      case "records":
      case "consent":
      case "notices":
      case "about no patient":
        expect(limited).toBeUndefined();
        expect(told({ ...application, scopes: [] })).toBe("scope");
        break;
      case "patients only":
        expect(limited).toBe("caller");
        break;
      default:
        // Refused by kind or by scope, whatever the token says.
        expect(["caller", "scope"]).toContain(limited);
        if (kept[rpc] === undefined) expect(told({ ...application, scopes: everything })).toBeDefined();
    }
  },
);

test("no scope gives a caller more than it has without scopes", () => {
  const principals: Principal[] = [
    application,
    { kind: "patient", id: "pat_1", partition: "local/pat_1" },
    { kind: "patient", id: "pat_1", partition: "local/pat_1", assurance: "code" },
    { kind: "operator", id: "usr_1", roles: ["support"] },
    { kind: "member", id: "usr_1", organization: "org_1", roles: ["clinician"], assurance: "passkey" },
    { kind: "person", id: "usr_1", assurance: "fresh" },
  ];
  for (const { rpc, callers } of methods) {
    for (const principal of principals) {
      for (const scopes of [[], everything, ["patient/Observation.s"], ["wellapi:anything"]]) {
        for (const workload of ["door", "gateway", "records"]) {
          const without = unmetBy(callers, { principal, workload, token: "" });
          const within = unmetBy(callers, { principal: { ...principal, scopes }, workload, token: "" });
          if (within === undefined) expect(without, `${rpc} ${principal.kind}`).toBeUndefined();
        }
      }
    }
  }
});
