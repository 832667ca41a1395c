import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient, type Transport } from "@connectrpc/connect";
import {
  DeathDirectoryService,
  ApplyDeathRequest_Event as Event,
} from "@wellapi/gen/wellapi/internal/identity/v1/death_directory_service_pb";
import { createKnownPatients, type KnownPatients } from "../standing/known-patients-client.ts";
import { type DeathState, lastDecision, stateOf } from "./death.ts";
import type { KeptReport } from "./death-repository.ts";

/** What identity knows of patients, and is told of their death. Methods throw ConnectError. */
export interface DeathDirectory extends KnownPatients {
  /** Resolves once identity goes by what the report has come to, and the mail about it is stored. */
  apply(kept: KeptReport): Promise<void>;
}

const events: Readonly<Record<DeathState, Event>> = {
  reported: Event.REPORTED,
  confirmed: Event.CONFIRMED,
  undone: Event.UNDONE,
  dismissed: Event.UNSPECIFIED,
};

export function createDeathDirectory(identity: Transport): DeathDirectory {
  const deaths = createClient(DeathDirectoryService, identity);
  return {
    ...createKnownPatients(identity),
    async apply({ partition, report }) {
      const { id, organization } = report;
      const state = stateOf(report);
      const event = events[state];
      if (event === Event.UNSPECIFIED) return;
      const { change = 0, time } = lastDecision(report) ?? {};
      const asked = { partition, event, organization, deathReport: id, change };
      const frozen = state === "confirmed" && time !== undefined;
      await deaths.applyDeath({ ...asked, ...(frozen && { freezeTime: timestampFromMs(time) }) });
    },
  };
}
