import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  DeathDirectoryService,
  ApplyDeathRequest_Event as Event,
} from "@wellapi/gen/wellapi/internal/identity/v1/death_directory_service_pb";
import type { Store } from "@wellapi/store";
import type { Accesses } from "../accesses.ts";
import { INSTALLATION } from "../collections.ts";
import { emergencyRecipients } from "../emergency/emergency-recipients.ts";
import type { AlertOutbox } from "../mail/alert-outbox.ts";
import type { RecipientsDeps } from "../mail/recipients.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import { shownName } from "../organizations/shown-name.ts";
import type { PatientRepository } from "../patients/patient-repository.ts";
import { type DeathEvent, deathMail } from "./death-mail.ts";

const events: Readonly<Partial<Record<Event, DeathEvent>>> = {
  [Event.REPORTED]: "reported",
  [Event.CONFIRMED]: "confirmed",
  [Event.UNDONE]: "undone",
};

/** What consent tells of the death of patients: who may sign in goes by it, and people are told. */
export function createDeathDirectoryHandlers(
  deps: RecipientsDeps & {
    readonly store: Store;
    readonly accesses: Accesses;
    readonly patients: Pick<PatientRepository, "patient" | "freeze">;
    readonly organizations: Pick<OrganizationRepository, "organization">;
    readonly alerts: Pick<AlertOutbox, "insertion" | "kick">;
    readonly origin: () => string;
    /** Called after access is over, durably. */
    readonly ended: (id: string) => void;
  },
): ServiceImpl<typeof DeathDirectoryService> {
  const { store, accesses, patients, organizations, alerts, origin, ended } = deps;

  async function tellPeople(
    partition: string,
    event: DeathEvent,
    report: { readonly id: string; readonly organization: string },
  ): Promise<void> {
    const told = await emergencyRecipients(deps, partition);
    const name = report.organization === "" ? "" : await shownName(organizations, report.organization);
    const said = { event, id: report.id, organization: name };
    const changes = told.map((one) => alerts.insertion(INSTALLATION, deathMail(one, said, origin())));
    if (changes.length > 0) await store.commit({ partition: INSTALLATION, changes });
    alerts.kick();
  }

  return {
    applyDeath({ partition, event: told, organization, deathReport: id, change, freezeTime }, context) {
      const { applyDeath } = DeathDirectoryService.method;
      return accesses.logged(context, applyDeath, "", async ({ commit, about }) => {
        const patient = await patients.patient(partition);
        about(patient);
        const event = events[told];
        if (event === undefined) return {};
        if (event !== "reported") {
          const time = freezeTime && timestampMs(freezeTime);
          await patients.freeze(partition, { change, time }, commit(patient));
          // Also where nothing changed: an earlier call may have failed here.
          ended(patient.id);
        }
        await tellPeople(partition, event, { id, organization });
        return {};
      });
    },
  };
}
