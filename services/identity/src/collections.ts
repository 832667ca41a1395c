import { leavesCollection } from "@wellapi/access-log";
import { journalCollections } from "@wellapi/journal";
import type { CollectionDeclaration } from "@wellapi/store";

/** The partition of documents that belong to no patient. */
export const INSTALLATION = "identity";

export const collections = {
  organizations: "organizations",
  foundings: "foundings",
  applications: "applications",
  clientOrigins: "client_origins",
  credentials: "credentials",
  operators: "operators",
  patients: "patients",
  installationKeys: "installation_keys",
  answers: "answers",
  limits: "limits",
  patientTokens: "patient_tokens",
  oauthStates: "oauth_states",
  oauthGrants: "oauth_grants",
  enrollmentCodes: "enrollment_codes",
  delegations: "delegations",
  claimCodes: "claim_codes",
  petitions: "petitions",
  members: "members",
  invitations: "invitations",
  dpopProofs: "dpop_proofs",
  accounts: "accounts",
  sessions: "sessions",
  flows: "sign_in_flows",
  codeCounts: "code_counts",
  alerts: "alerts",
  policies: "policies",
  organizationClocks: "organization_clocks",
} as const;

/**
 * The unique index that prevents a second creation by a repeated request. Each creator chooses its ids independently.
 */
export const REQUEST_INDEX = "request";
const request = { name: REQUEST_INDEX, fields: ["creator", "requestId"], unique: true };

/** The collections of the identity service, for its store's declaration. */
export const identityCollections: readonly CollectionDeclaration[] = [
  { name: collections.organizations, key: ["partition", "id"], indexes: [request] },
  {
    name: collections.applications,
    key: ["partition", "id"],
    indexes: [request, { name: "organization", fields: ["partition", "organization", "id"] }],
  },
  { name: collections.foundings, key: ["partition", "account", "place"], indexes: [] },
  { name: collections.clientOrigins, key: ["partition", "origin", "application"], indexes: [] },
  {
    name: collections.credentials,
    key: ["partition", "id"],
    indexes: [
      { name: "fingerprint", fields: ["partition", "fingerprint"], unique: true },
      { name: "application", fields: ["partition", "application", "createTime"] },
    ],
  },
  { name: collections.operators, key: ["partition", "id"], indexes: [] },
  {
    name: collections.patients,
    key: ["partition"],
    indexes: [
      request,
      { name: "region", fields: ["region", "partition"] },
      { name: "test", fields: ["testOf", "partition"] },
    ],
    version: 2,
  },
  {
    name: collections.answers,
    key: ["partition", "id"],
    indexes: [
      { name: "id", fields: ["id"], unique: true },
      { name: "expiry", fields: ["expireTime"] },
    ],
  },
  {
    name: collections.delegations,
    key: ["partition", "id"],
    indexes: [
      request,
      { name: "id", fields: ["id"], unique: true },
      { name: "code", fields: ["codeDigest"], unique: true },
      { name: "patient", fields: ["partition", "createTime"] },
      { name: "account", fields: ["accountMac", "partition"] },
      { name: "dispute", fields: ["disputeTime"] },
    ],
    version: 2,
  },
  {
    name: collections.petitions,
    key: ["partition", "id"],
    indexes: [
      request,
      { name: "id", fields: ["id"], unique: true },
      // Of one account and patient one waits at a time.
      { name: "waiting", fields: ["partition", "waitingMac"], unique: true },
      { name: "patient", fields: ["partition", "createTime"] },
      { name: "account", fields: ["accountMac", "createTime"] },
      { name: "verifier", fields: ["organization", "state", "createTime"] },
      { name: "state", fields: ["state", "createTime"] },
      { name: "expiry", fields: ["expireTime"] },
    ],
  },
  {
    name: collections.claimCodes,
    key: ["partition", "id"],
    indexes: [
      { name: "fingerprint", fields: ["fingerprint"], unique: true },
      { name: "expiry", fields: ["expireTime"] },
    ],
  },
  {
    name: collections.enrollmentCodes,
    key: ["partition", "id"],
    indexes: [
      { name: "fingerprint", fields: ["partition", "fingerprint"], unique: true },
      { name: "expiry", fields: ["expireTime"] },
    ],
  },
  { name: collections.limits, key: ["partition", "id"], indexes: [] },
  { name: collections.organizationClocks, key: ["partition"], indexes: [] },
  { name: collections.policies, key: ["partition", "id"], indexes: [] },
  {
    name: collections.patientTokens,
    key: ["partition", "id"],
    indexes: [
      { name: "created", fields: ["partition", "createTime"] },
      { name: "expiry", fields: ["expireTime"] },
    ],
  },
  {
    name: collections.members,
    key: ["partition", "body", "account"],
    indexes: [{ name: "account", fields: ["partition", "account", "body"] }],
  },
  {
    name: collections.invitations,
    key: ["partition", "id"],
    indexes: [
      request,
      { name: "code", fields: ["partition", "codeDigest"], unique: true },
      { name: "body", fields: ["partition", "body", "createTime"] },
      { name: "address", fields: ["partition", "addressMac", "mailTime"] },
      { name: "expiry", fields: ["expireTime"] },
    ],
  },
  {
    name: collections.oauthStates,
    key: ["partition", "id"],
    indexes: [
      { name: "lookup", fields: ["partition", "lookup"], unique: true },
      { name: "grant", fields: ["partition", "grant"] },
      { name: "expiry", fields: ["expireTime"] },
    ],
  },
  {
    name: collections.dpopProofs,
    key: ["partition", "id"],
    indexes: [{ name: "expiry", fields: ["expireTime"] }],
  },
  {
    name: collections.oauthGrants,
    key: ["partition", "id"],
    indexes: [
      { name: "id", fields: ["id"], unique: true },
      { name: "patient", fields: ["partition", "createTime"] },
      { name: "account", fields: ["accountMac", "createTime"] },
      { name: "expiry", fields: ["expireTime"] },
    ],
  },
  {
    name: collections.accounts,
    key: ["partition", "id"],
    indexes: [
      { name: "email", fields: ["emailMac"], unique: true },
      { name: "patient", fields: ["patient"], unique: true },
    ],
  },
  {
    name: collections.sessions,
    key: ["partition", "id"],
    indexes: [
      { name: "id", fields: ["id"], unique: true },
      { name: "expiry", fields: ["expireTime"] },
    ],
  },
  {
    name: collections.flows,
    key: ["partition", "id"],
    indexes: [{ name: "expiry", fields: ["expireTime"] }],
  },
  {
    name: collections.codeCounts,
    key: ["partition", "id"],
    indexes: [{ name: "expiry", fields: ["expireTime"] }],
  },
  { name: collections.alerts, key: ["partition", "id"], indexes: [{ name: "due", fields: ["dueTime"] }] },
  { name: collections.installationKeys, key: ["partition", "purpose", "id"], indexes: [] },
  leavesCollection,
  ...journalCollections,
];
