import type { Transport } from "@connectrpc/connect";
import { DeathService } from "@wellapi/gen/wellapi/consent/v1/death_service_pb";
import type { Entry, Follower } from "@wellapi/journal";
import { type PageTokens, type Route, route } from "@wellapi/rpc";
import type { Clock, Ids, Logger } from "@wellapi/runtime";
import type { OrganizationTimes } from "@wellapi/service";
import type { Store } from "@wellapi/store";
import type { Pairwise } from "@wellapi/vault";
import type { Accesses } from "../accesses.ts";
import type { ConsentRepository } from "../consent-repository.ts";
import type { ConsentSealing } from "../consent-sealing.ts";
import type { RecalledChanges } from "../recalled-changes.ts";
import { createStandingChanges } from "../standing/standing-changes.ts";
import { DeathChanges } from "./death-changes.ts";
import { createDeathHandlers } from "./death-handlers.ts";
import { toldFreeze } from "./death-journal.ts";
import { DeathRepository } from "./death-repository.ts";
import { openDeathTelling } from "./death-telling.ts";
import { createDeathDirectory } from "./directory-client.ts";

export interface DeathRoomDeps {
  readonly store: Store;
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

/** The death of patients: its RPCs, and what a restore must not undo of it. */
export interface DeathRoom {
  readonly route: Route;
  /** Applies an entry of the journal to data that came from a backup. */
  replay(entry: Entry): Promise<void>;
  close(): Promise<void>;
}

export function openDeathRoom(deps: DeathRoomDeps): DeathRoom {
  const { store, sealing, accesses } = deps;
  const reports = new DeathRepository(store, sealing);
  const deathChanges = new DeathChanges({ ...deps, standing: createStandingChanges(deps), reports });
  const directory = createDeathDirectory(deps.identity);
  const telling = openDeathTelling({ ...deps, reports, directory });
  const { method } = DeathService;
  return {
    route: route(DeathService, createDeathHandlers({ ...deps, reports, deathChanges, telling, directory })),
    async replay(entry) {
      const changed = toldFreeze(entry)?.frozen === true ? method.confirmDeath : method.undoDeath;
      await deathChanges.replay(entry, (partition) => accesses.replayed(partition, changed)([]).change);
    },
    close: () => telling.close(),
  };
}
