import type { Transport } from "@connectrpc/connect";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import type { Entry, Follower } from "@wellapi/journal";
import { type PageTokens, type Route, route } from "@wellapi/rpc";
import type { Clock, Ids, Logger } from "@wellapi/runtime";
import type { OrganizationTimes } from "@wellapi/service";
import type { Store } from "@wellapi/store";
import { createTextMac, type Kms, type Pairwise } from "@wellapi/vault";
import type { Accesses } from "../accesses.ts";
import type { ConsentRepository } from "../consent-repository.ts";
import type { ConsentSealing } from "../consent-sealing.ts";
import type { RecalledChanges } from "../recalled-changes.ts";
import { createStandingChanges } from "../standing/standing-changes.ts";
import { createEmergencyAttempts } from "./emergency-attempts-repository.ts";
import { EmergencyChanges } from "./emergency-changes.ts";
import { createEmergencyCodes } from "./emergency-code-repository.ts";
import { createEmergencyHandlers } from "./emergency-handlers.ts";
import { EmergencyRepository } from "./emergency-repository.ts";
import { openEmergencyTelling } from "./emergency-telling.ts";
import { createEmergencyIdentity } from "./identity-client.ts";
import { createOpenAccesses } from "./open-accesses.ts";

export interface EmergencyRoomDeps {
  readonly store: Store;
  readonly kms: Pick<Kms, "derive">;
  readonly sealing: ConsentSealing;
  readonly consents: ConsentRepository;
  readonly changes: RecalledChanges;
  readonly journal: Follower;
  readonly accesses: Accesses;
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
  readonly identity: Transport;
  readonly clock: Clock;
  readonly times: OrganizationTimes;
  readonly ids: Ids;
  readonly log: Logger;
  readonly region: string;
}

/** Emergency access: its RPCs, and what a restore must not undo of it. */
export interface EmergencyRoom {
  readonly route: Route;
  /** Applies an entry of the journal to data that came from a backup. */
  replay(entry: Entry): Promise<void>;
  close(): Promise<void>;
}

export async function openEmergencyRoom(deps: EmergencyRoomDeps): Promise<EmergencyRoom> {
  const { store, kms, sealing, accesses } = deps;
  const emergencies = new EmergencyRepository(store, sealing);
  const emergencyChanges = new EmergencyChanges({
    ...deps,
    standing: createStandingChanges(deps),
    emergencies,
  });
  const codes = createEmergencyCodes({
    ...deps,
    macOf: createTextMac(await kms.derive("consent/emergency codes")),
  });
  const emergencyIdentity = createEmergencyIdentity(deps.identity);
  const telling = openEmergencyTelling({ ...deps, emergencies, identity: emergencyIdentity });
  const { method } = EmergencyService;
  return {
    route: route(
      EmergencyService,
      createEmergencyHandlers({
        ...deps,
        emergencies,
        emergencyChanges,
        openAccesses: createOpenAccesses({ ...deps, emergencies, emergencyChanges }),
        codes,
        attempts: createEmergencyAttempts(deps),
        telling,
        emergencyIdentity,
      }),
    ),
    async replay(entry) {
      const ended = method.endEmergencyAccess;
      const refused = entry.kind === "emergency_refusal";
      const changed = refused ? method.refuseEmergencyAccess : ended;
      await emergencyChanges.replay(
        entry,
        (partition) => (access) => accesses.replayed(partition, changed, access)([]),
      );
      await codes.replay(
        entry,
        (partition) => accesses.replayed(partition, method.deleteEmergencyCode)([]).change,
      );
    },
    close: () => telling.close(),
  };
}
