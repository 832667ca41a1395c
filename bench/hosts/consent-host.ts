import { join } from "node:path";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { createLeafSealer, openAccessLog } from "@wellapi/access-log";
import { consentCollections, openConsentService } from "@wellapi/consent";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { AccessDirectoryService } from "@wellapi/gen/wellapi/internal/audit/v1/access_directory_service_pb";
import { AuditIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { createJournal, openFileJournal } from "@wellapi/journal";
import { openReceiptKey } from "@wellapi/receipts";
import { type Caller, createPageTokens, type Route } from "@wellapi/rpc";
import { createTestTransport } from "@wellapi/rpc/testing";
import { randomIds, silentLogger, systemClock } from "@wellapi/runtime";
import { openSqliteStore } from "@wellapi/store";
import { shippedTerminology } from "@wellapi/terminology";
import { createPairwise, openLocalKms, openVault, vaultCollections } from "@wellapi/vault";

export const grantee = "org_bench";

/** The consent service alone, over its real store and outbox; identity permits every call and audit accepts all. */
export interface ConsentHost {
  readonly routes: readonly Route[];
  /** Lets the grantee read a patient's heart data; the consent's id. */
  grant(patient: string): Promise<string>;
  revoke(patient: string, consent: string): Promise<void>;
}

export function partitionOf(patient: string): string {
  return `local/${patient}`;
}

export async function openConsentHost(folder: string): Promise<ConsentHost> {
  const kms = await openLocalKms({ path: join(folder, "master.key") });
  const store = await openSqliteStore({ path: join(folder, "consent.db"), collections: consentCollections });
  const keys = await openSqliteStore({ path: join(folder, "keys.db"), collections: vaultCollections });
  const intake = createRouterTransport(({ service }) => {
    service(AuditIntakeService, { append: () => ({}) });
  });
  const identity = createRouterTransport(({ service }) => {
    service(OrganizationService, {
      getOrganization: ({ organization }) => ({ organization: { id: organization } }),
    });
    service(PatientDirectoryService, { resolvePatient: () => ({}) });
  });
  const audit = createRouterTransport(({ service }) => {
    service(AccessDirectoryService, { describeReceived: () => ({}) });
  });
  const common = { store, clock: systemClock, ids: randomIds, log: silentLogger };
  const accessLog = await openAccessLog({
    ...common,
    sealer: await createLeafSealer({ kms, service: "consent" }),
    intake,
    reserve: { path: join(folder, "consent.reserve"), bytes: 65_536 },
  });
  const repository = await openFileJournal({ folder: join(folder, "journal") });
  const service = await openConsentService(
    {},
    {
      ...common,
      vault: await openVault({ store: keys, kms }),
      kms,
      accessLog,
      identity,
      audit,
      journal: { journal: await createJournal({ repository, kms }) },
      pairwise: createPairwise({ secret: await kms.derive("pairwise") }),
      pageTokens: createPageTokens(await kms.derive("page-tokens")),
      receiptKey: await openReceiptKey(kms),
      terminology: shippedTerminology,
    },
  );
  const as = (patient: string) => {
    const principal = { kind: "patient" as const, id: patient, partition: partitionOf(patient) };
    const caller: Caller = { principal, workload: "door", token: "" };
    return createClient(ConsentService, createTestTransport({ routes: service.routes, caller }));
  };
  return {
    routes: service.routes,
    async grant(patient) {
      const { consent } = await as(patient).createConsent({
        requestId: "read",
        consent: {
          grantee,
          provisions: [
            {
              effect: Provision_Effect.PERMIT,
              directions: [Direction.READ],
              categories: [{ name: "heart" }],
              purposes: [Purpose.TREATMENT],
              resolution: Resolution.RAW,
            },
          ],
        },
      });
      return consent!.id;
    },
    async revoke(patient, consent) {
      await as(patient).revokeConsent({ consent });
    },
  };
}
