import type { DescMethod } from "@bufbuild/protobuf";

/**
 * When a call of an RPC leaves an entry (docs/decisions/0003).
 * - `data`: health data moves, or is requested. Each attempt leaves one, also a refused one.
 * - `change`: something about a patient or the installation is shown or changed. Each call that was answered or denied
 *   leaves one; a request whose own fields are wrong leaves none.
 * - `by`: the service named leaves it, under this RPC's name.
 * - `none`: with the reason.
 */
export type EntryRule =
  | { readonly entry: "data" | "change" }
  | { readonly by: string }
  | { readonly none: string };

const data: EntryRule = { entry: "data" };
const change: EntryRule = { entry: "change" };
const byRecords: EntryRule = { by: "records" };
const none = (reason: string): EntryRule => ({ none: reason });

const ofTheLog = none(
  "reads of the log itself: an entry for each would make each reading change what is read",
);
const publicData = none("names no person, and anyone may read it");
const ofRequests = none("names no person: which calls an organization made, and how they ended");
const ofOrganizations = none("names no person");
const ownAccount = none("a person's own account, shown to that person");
const beginning = none("begins what another RPC finishes, which leaves the entry");
const ofMembers = none("names no patient, and only people who may manage or review these members see it");
const ofExports = none(
  "names no patient and releases nothing: each read that makes a file leaves its own entry",
);
const ofTheInbox = none(
  "what the patient was told of entries that are there already, shown to the patient and to who acts for them",
);
const ofOwnConsents = none(
  "says only which of the organization's own consents and requests changed: each change left its entry, and reading them does",
);
const lookUp = none("a service's own look-up: the call that it is made for leaves the entry");

/**
 * The one place that says which RPC leaves an entry: by package and service, then by method. A test compares it with the
 * contracts, so an RPC without a decision here fails.
 */
export const entryRules: Readonly<Record<string, Readonly<Record<string, EntryRule>>>> = {
  "wellapi.audit.v1.AuditService": {
    ListAccesses: ofTheLog,
    AggregateDisclosures: ofTheLog,
    GetAccess: ofTheLog,
    GetCheckpoint: publicData,
    GetInclusionProof: ofTheLog,
    GetConsistencyProof: publicData,
    GetReceiptKeys: publicData,
    GetLogFile: publicData,
  },
  "wellapi.audit.v1.UsageService": { ListUsage: ofTheLog },
  "wellapi.audit.v1.RequestLogService": { ListRequests: ofRequests, WatchRequests: ofRequests },
  "wellapi.codes.v1.CodeReleaseService": {
    CreateCodeRelease: change,
    AddConcepts: none("a part of a release, of which the beginning and the activation leave entries"),
    ActivateCodeRelease: change,
    ListCodeReleases: ofOrganizations,
    DeleteCodeRelease: change,
  },
  "wellapi.codes.v1.CodeService": {
    LookupCode: ofOrganizations,
    ValidateCode: ofOrganizations,
    ExpandValueSet: ofOrganizations,
    TranslateCode: ofOrganizations,
  },
  "wellapi.consent.v1.ConsentService": {
    CreateConsent: change,
    GetConsent: change,
    ListConsents: change,
    RevokeConsent: change,
    ListConsentRevisions: change,
  },
  "wellapi.consent.v1.ConsentReceiptService": { GetConsentReceipt: change },
  "wellapi.consent.v1.ConsentRequestService": {
    CreateConsentRequest: change,
    GetConsentRequest: change,
    ListConsentRequests: change,
    AcceptConsentRequest: change,
    RefuseConsentRequest: change,
    WithdrawConsentRequest: change,
  },
  "wellapi.consent.v1.DeletionObligationService": {
    GetDeletionObligation: change,
    ListDeletionObligations: change,
    AnswerDeletionObligation: change,
  },
  "wellapi.consent.v1.RightsService": {
    CreateRightsRequest: change,
    GetRightsRequest: change,
    ListRightsRequests: change,
    WithdrawRightsRequest: change,
    AnswerRightsRequest: change,
  },
  "wellapi.consent.v1.DeathService": {
    ReportDeath: change,
    ListDeathReports: change,
    ConfirmDeath: change,
    DismissDeathReport: change,
    UndoDeath: change,
  },
  "wellapi.consent.v1.EmergencyService": {
    OpenEmergencyAccess: change,
    EndEmergencyAccess: change,
    EndOpenEmergencyAccesses: change,
    ListEmergencyAccesses: change,
    GetEmergencySettings: change,
    RefuseEmergencyAccess: change,
    AllowEmergencyAccess: change,
    CreateEmergencyCode: change,
    DeleteEmergencyCode: change,
  },
  "wellapi.identity.v1.AccountService": {
    GetAccount: ownAccount,
    UpdateAccount: change,
    ListActingOptions: ownAccount,
    BeginEmailChange: beginning,
    FinishEmailChange: change,
    ListPasskeys: ownAccount,
    BeginPasskey: beginning,
    FinishPasskey: change,
    RemovePasskey: change,
    BeginTotp: beginning,
    FinishTotp: change,
    RemoveTotp: change,
    CreateRecoveryCodes: change,
    ListSessions: ownAccount,
    EndSessions: change,
    BeginStepUp: beginning,
    FinishStepUp: change,
    StartRecovery: change,
    CancelRecovery: change,
  },
  "wellapi.identity.v1.CredentialService": {
    IssueCertificate: change,
    CreateApiKey: change,
    RotateApiKey: change,
    ReportLeakedApiKey: change,
    CreateEnrollmentCode: change,
    EnrollCertificate: change,
    RenewCertificate: change,
    CreateOperatorKey: change,
    RevokeCredential: change,
    GetCredential: ofOrganizations,
    ListCredentials: ofOrganizations,
    ListOperatorKeys: none("names no patient"),
  },
  "wellapi.identity.v1.DelegationService": {
    InviteCarer: change,
    InviteGuardian: change,
    InviteRepresentative: change,
    GetDelegationOffer: none("says what the mail's code is for, to who has it"),
    AcceptDelegation: change,
    ListDelegations: change,
    EndDelegation: change,
    SetGuardianState: change,
  },
  "wellapi.identity.v1.GrantService": { ListGrants: change, EndGrants: change },
  "wellapi.identity.v1.GuardianshipService": {
    CreateGuardianCode: change,
    GetGuardianCode: none("says who verifies, to who has the code, and nothing of the patient"),
    CreatePetition: change,
    ListPetitions: change,
    WithdrawPetition: change,
    DecidePetition: change,
    ListGuardianships: ownAccount,
    DisputeGuardian: change,
    ListDisputes: change,
  },
  "wellapi.identity.v1.LimitService": { GetLimits: ofOrganizations, UpdateLimits: change },
  "wellapi.identity.v1.OAuthInteractionService": {
    GetInteraction: none("names no person: what an application asks, to the browser that it was asked in"),
    OpenDeviceInteraction: none("names no person: what a device asks, to the one who has its code"),
    CompleteInteraction: change,
    AbortInteraction: none("nothing is given to anybody"),
  },
  "wellapi.identity.v1.MemberService": {
    InviteMember: change,
    ListInvitations: ofMembers,
    RevokeInvitation: change,
    GetInvitation: none("shows what an invitation offers to who has its code, and no person"),
    AcceptInvitation: change,
    ListMembers: ofMembers,
    UpdateMember: change,
    RemoveMember: change,
  },
  "wellapi.identity.v1.StaffService": {
    InviteStaff: change,
    ListStaffInvitations: ofMembers,
    RevokeStaffInvitation: change,
    ListStaff: ofMembers,
    UpdateStaff: change,
    RemoveStaff: change,
  },
  "wellapi.identity.v1.OrganizationService": {
    CreateOrganization: change,
    GetOrganization: ofOrganizations,
    BatchGetOrganizations: ofOrganizations,
    ListOrganizations: ofOrganizations,
    UpdateOrganization: change,
    DisableOrganization: change,
    EnableOrganization: change,
    DeleteOrganization: change,
    VerifyOrganization: change,
    UnverifyOrganization: change,
    EnableEmergencyAccess: change,
    DisableEmergencyAccess: change,
    CreateApplication: change,
    GetApplication: ofOrganizations,
    ListApplications: ofOrganizations,
    UpdateApplication: change,
    DisableApplication: change,
    EnableApplication: change,
    DeleteApplication: change,
  },
  "wellapi.identity.v1.PatientService": {
    CreatePatient: change,
    GetPatient: change,
    ListPatients: change,
    UpdatePatient: change,
    CreateClaimCode: change,
    ClaimPatient: change,
  },
  "wellapi.identity.v1.SandboxService": {
    ListMail: none("mail that a sandbox did not send"),
    GetSandbox: ofOrganizations,
    MoveClock: change,
  },
  "wellapi.identity.v1.SignInService": {
    SendCode: none("names nobody: the address may have no account"),
    VerifyCode: change,
    BeginRegistration: beginning,
    FinishRegistration: change,
    BeginSignIn: beginning,
    FinishSignIn: change,
    StopRecovery: change,
  },
  "wellapi.identity.v1.PolicyService": {
    CreatePolicy: change,
    DeletePolicy: change,
    GetPolicy: ofOrganizations,
    ListPolicies: ofOrganizations,
    ValidatePolicy: ofOrganizations,
    ExplainCall: ofOrganizations,
  },
  "wellapi.identity.v1.TokenService": {
    IssuePatientToken: change,
    ListPatientTokens: change,
    RevokePatientTokens: change,
    RotateSigningKey: change,
    GetJwks: publicData,
  },
  "wellapi.ingestion.v1.IngestionService": {
    StreamSeries: byRecords,
    StreamObservations: byRecords,
    CreateSeries: byRecords,
    CreateObservations: byRecords,
    CreateFromVendor: byRecords,
    RetractBatch: byRecords,
  },
  "wellapi.notices.v1.EventService": { ListEvents: ofOwnConsents, WatchEvents: ofOwnConsents },
  "wellapi.notices.v1.NoticesService": {
    ListNotices: ofTheInbox,
    MarkNoticesRead: ofTheInbox,
    WatchNotices: ofTheInbox,
    GetPreferences: ofTheInbox,
    UpdatePreferences: change,
    ListPushSubscriptions: ofTheInbox,
    CreatePushSubscription: change,
    DeletePushSubscription: change,
  },
  "wellapi.notices.v1.WebhookService": {
    CreateWebhookEndpoint: change,
    GetWebhookEndpoint: ofOrganizations,
    ListWebhookEndpoints: ofOrganizations,
    UpdateWebhookEndpoint: change,
    DeleteWebhookEndpoint: change,
    RotateWebhookSecret: change,
    TestWebhookEndpoint: change,
    ListWebhookDeliveries: ofOrganizations,
    RetryWebhookDelivery: change,
    ReplayWebhookEvents: change,
  },
  "wellapi.records.v1.ClinicalRecordsService": {
    PutClinicalRecord: data,
    DeleteClinicalRecord: data,
    WriteClinicalRecords: data,
    StreamClinicalRecords: data,
    GetClinicalRecord: data,
    ListClinicalRecords: data,
    ListClinicalRecordVersions: data,
  },
  "wellapi.records.v1.PreviewService": { PreviewReads: data },
  "wellapi.records.v1.ExportService": {
    PrepareDownload: data,
    OpenDownload: data,
    CreateExport: ofExports,
    GetExport: ofExports,
    CancelExport: ofExports,
    ReadDeIdentified: data,
  },
  "wellapi.records.v1.RecordsService": {
    ReadSeries: data,
    WatchSeries: data,
    QuerySeries: data,
    ListSeries: data,
    AggregateSeries: data,
    MergeSeries: data,
    GetDevicePriority: data,
    SetDevicePriority: data,
    ListObservations: data,
    SearchObservations: data,
    GetObservation: data,
    ErasePatient: data,
    GetErasure: data,
  },
  "wellapi.terminology.v1.TerminologyService": { ListCodes: publicData, ListCategories: publicData },

  "wellapi.internal.audit.v1.AccessDirectoryService": { LookupAccess: lookUp, DescribeReceived: lookUp },
  "wellapi.internal.audit.v1.AuditIntakeService": { Append: none("takes entries in") },
  "wellapi.internal.audit.v1.RequestIntakeService": { KeepRequests: none("takes ended requests in") },
  "wellapi.internal.consent.v1.ConsentDecisionService": {
    Decide: lookUp,
    Foresee: lookUp,
    GetStanding: lookUp,
    Watch: none("a session with an enforcer: what moves under it leaves the entries"),
    RevokeAllConsents: change,
    DeleteConsents: change,
  },
  "wellapi.internal.consent.v1.ConsentDirectoryService": {
    DescribeConsent: lookUp,
    DescribeVersions: lookUp,
    ResolveHolders: lookUp,
    DescribeObligation: lookUp,
    DescribeRequest: lookUp,
    DescribeRightsRequest: lookUp,
  },
  "wellapi.internal.identity.v1.BrowserOriginService": { CheckOrigin: lookUp },
  "wellapi.internal.identity.v1.DeathDirectoryService": { ApplyDeath: change },
  "wellapi.internal.identity.v1.EdgeCertificateService": {
    GetAuthority: lookUp,
    IssueServerCertificate: none("a door's own certificate, of a key that never leaves it"),
  },
  "wellapi.internal.identity.v1.EmergencyDirectoryService": {
    GetEmergencyStanding: lookUp,
    TellEmergencyAccess: lookUp,
  },
  "wellapi.internal.identity.v1.OAuthProtocolService": {
    Handle: none("the protocol: what a person agrees to leaves its entry in CompleteInteraction"),
  },
  "wellapi.internal.identity.v1.OrganizationClockService": { ListOrganizationClocks: ofOrganizations },
  "wellapi.internal.identity.v1.PatientDirectoryService": {
    ResolvePatient: lookUp,
    ResolveReaders: lookUp,
    MarkErased: change,
  },
  "wellapi.internal.identity.v1.PatientMailService": {
    ListMailRecipients: lookUp,
    SendPatientMail: none("tells the patient of an entry that is there already"),
  },
  "wellapi.internal.identity.v1.MemberMailService": {
    TellDevelopers: none("tells of a webhook endpoint, whose state is there already"),
  },
  "wellapi.internal.identity.v1.PolicyDirectoryService": { GetRestrictions: lookUp },
  "wellapi.internal.identity.v1.TokenExchangeService": {
    ExchangeCredential: lookUp,
    RecordDenials: none("writes the entries of the calls that it names"),
  },
  "wellapi.internal.keys.v1.JournalService": { GetExtent: lookUp, ListEntries: lookUp, AppendEntry: lookUp },
  "wellapi.internal.keys.v1.KeyService": {
    FindKey: lookUp,
    InsertKey: lookUp,
    DestroyKey: lookUp,
    GetFingerprint: lookUp,
  },
  // The entry names the provider's own RPC, which ingestion passes on.
  "wellapi.internal.records.v1.RecordsWriteService": {
    AppendSeries: data,
    AppendObservations: data,
    RetractBatch: data,
  },
};

/** Throws TypeError for an RPC that leaves no entry itself: a handler must not log what the table does not name. */
export function assertLeavesEntry(method: DescMethod): void {
  const rule = entryRules[method.parent.typeName]?.[method.name];
  if (rule !== undefined && "entry" in rule) return;
  throw new TypeError(`${method.parent.typeName}/${method.name}: entry-rules.ts gives it no entry`);
}
