import { createClient, type Transport } from "@connectrpc/connect";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { createBearerTransport, createPageTransport } from "@wellapi/ui/browser/page-transport";
import { usualCategories } from "../usual-categories.ts";

/** A patient who does not exist. */
export interface TestPatient {
  /** The organization's own id for them, as in its consents. */
  readonly id: string;
  readonly name: string;
}

/** Who is enrolled by one press: they live where the clocks change at different times, and not at all. */
export const zones = [
  "America/New_York",
  "Europe/London",
  "Europe/Vienna",
  "Europe/Berlin",
  "Asia/Kolkata",
  "UTC",
] as const;

const atOnce = 1_000;

/** What a member does with the test patients of the organization. */
export function createTestPatients(organization: string) {
  const transport = createPageTransport(organization);
  const patients = createClient(PatientService, transport);

  async function actAs(id: string): Promise<{ readonly patient: string; readonly transport: Transport }> {
    const tokens = createClient(TokenService, transport);
    const { token, patient } = await tokens.issuePatientToken({
      patient: id,
      requestId: crypto.randomUUID(),
    });
    return { patient, transport: createBearerTransport(token) };
  }

  return {
    async list(signal: AbortSignal): Promise<readonly TestPatient[]> {
      const listed = await patients.listPatients({ pageSize: atOnce }, { signal });
      return listed.patients.map(({ id, displayName }) => ({ id, name: displayName }));
    },
    /**
     * Enrols one, who lets the organization contribute and read. The same request id makes nothing twice, so what failed halfway is
     * finished by another try.
     */
    async enrol(displayName: string, timeZone: string, requestId: string): Promise<void> {
      const { patient } = await patients.createPatient({
        patient: { displayName, timeZones: [{ timeZone }] },
        requestId,
      });
      const self = await actAs(patient!.id);
      await createClient(ConsentService, self.transport).createConsent({
        requestId,
        consent: {
          grantee: organization,
          provisions: [
            {
              effect: Provision_Effect.PERMIT,
              directions: [Direction.CONTRIBUTE, Direction.READ],
              categories: [...usualCategories],
              purposes: [Purpose.TREATMENT],
              resolution: Resolution.RAW,
            },
          ],
        },
      });
    },
    /** For ever, with all of their data. */
    async erase(id: string): Promise<void> {
      const { patient, transport: own } = await actAs(id);
      await createClient(RecordsService, own).erasePatient({ patient });
    },
  };
}
