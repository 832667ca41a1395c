/**
 * What work costs, in units: the one table. A unit is about the work of a small write, a millisecond of the server's time.
 * Calls are paid before the work; the rest is paid by the next call.
 */
export const weights = {
  /** A call costs this unless it is named below. */
  call: 1,
  /** Calls that are heavier than their size says, by RPC. */
  calls: {
    // Computes over what is stored: up to 10,000 buckets, or 10,000 samples; MergeSeries reads those of every source.
    "wellapi.records.v1.RecordsService/AggregateSeries": 5,
    "wellapi.records.v1.RecordsService/QuerySeries": 5,
    "wellapi.records.v1.RecordsService/MergeSeries": 10,
    "wellapi.records.v1.RecordsService/ListObservations": 2,
    // Its parts, together.
    "wellapi.records.v1.RecordsService/SearchObservations": 8,
    "wellapi.records.v1.RecordsService/ListSeries": 2,
    // Reads everything twice, as the patient and as the organization: 200 ms for a year of minutes, a second where sums are made first.
    "wellapi.records.v1.PreviewService/PreviewReads": 200,
    // Two entries, and a session of its own.
    "wellapi.records.v1.RecordsService/ReadSeries": 5,
    "wellapi.records.v1.RecordsService/WatchSeries": 5,
    "wellapi.records.v1.RecordsService/ErasePatient": 100,
    // Opens as many entries as the page has.
    "wellapi.audit.v1.AuditService/ListAccesses": 5,
    // Opens up to 10,000.
    "wellapi.audit.v1.AuditService/AggregateDisclosures": 50,
    // Hashes nodes of many tiles, and anybody may ask for it.
    "wellapi.audit.v1.AuditService/GetConsistencyProof": 100,
    "wellapi.audit.v1.AuditService/GetInclusionProof": 5,
    // Recalls every session.
    "wellapi.consent.v1.ConsentService/CreateConsent": 5,
    "wellapi.consent.v1.ConsentService/RevokeConsent": 1,
    "wellapi.consent.v1.ConsentRequestService/AcceptConsentRequest": 5,
    // Told to a patient; how many a day, the service itself counts.
    "wellapi.consent.v1.ConsentRequestService/CreateConsentRequest": 20,
    // Sends a mail.
    "wellapi.identity.v1.SignInService/SendCode": 20,
    // Up to a hundred reads of the store.
    "wellapi.identity.v1.OrganizationService/BatchGetOrganizations": 3,
    // Make keys.
    "wellapi.identity.v1.SignInService/FinishRegistration": 5,
    "wellapi.identity.v1.PatientService/CreatePatient": 5,
    "wellapi.identity.v1.CredentialService/CreateApiKey": 5,
    "wellapi.identity.v1.CredentialService/IssueCertificate": 5,
    "wellapi.identity.v1.CredentialService/RotateApiKey": 5,
    "wellapi.identity.v1.CredentialService/CreateEnrollmentCode": 5,
    "wellapi.identity.v1.CredentialService/RenewCertificate": 5,
    // Anybody may try them.
    "wellapi.identity.v1.CredentialService/EnrollCertificate": 20,
    "wellapi.identity.v1.CredentialService/ReportLeakedApiKey": 20,
  } as Readonly<Record<string, number>>,
  /** A message of a stream. */
  message: 1,
  /** So many bytes of messages, in both directions, cost a unit: about 2,000 samples. */
  bytesPerUnit: 16_384,
  /** A denied call, besides its own price: it leaves an entry, and only somebody who asks at random has many. */
  denied: 500,
  /** A credential that identity refused; also a failed sign-in. On the budget of the address. */
  refusedCredential: 100,
} as const;
