import { RightsService } from "@wellapi/gen/wellapi/consent/v1/rights_service_pb";
import { type PageTokens, type Route, route } from "@wellapi/rpc";
import type { Clock, Ids } from "@wellapi/runtime";
import type { OrganizationTimes } from "@wellapi/service";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise } from "@wellapi/vault";
import type { Accesses } from "../accesses.ts";
import type { ConsentRepository, Notified } from "../consent-repository.ts";
import type { Granting } from "../granting.ts";
import type { Parties } from "../parties-client.ts";
import type { RecalledChanges } from "../recalled-changes.ts";
import type { Revocations } from "../revocation.ts";
import { createStandingChanges } from "../standing/standing-changes.ts";
import { createRightsAnswers } from "./rights-answers.ts";
import { RightsChanges } from "./rights-changes.ts";
import { createRightsCommits } from "./rights-commit.ts";
import { createRightsHandlers } from "./rights-handlers.ts";
import type { RightsRepository } from "./rights-repository.ts";

export interface RightsRoomDeps {
  readonly rights: RightsRepository;
  readonly consents: ConsentRepository;
  readonly granting: Granting;
  readonly revocations: Revocations;
  readonly changes: RecalledChanges;
  readonly relay: Notified | undefined;
  readonly accesses: Accesses;
  readonly parties: Parties;
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
  readonly terminology: Terminology;
  readonly clock: Clock;
  readonly times: OrganizationTimes;
  readonly ids: Ids;
}

/** What patients demand of organizations by data protection law: its RPCs. */
export function createRightsRoute(deps: RightsRoomDeps): Route {
  const commits = createRightsCommits({ ...deps, standing: createStandingChanges(deps) });
  const rightsChanges = new RightsChanges({ ...deps, commits });
  const answers = createRightsAnswers({ ...deps, commits });
  return route(RightsService, createRightsHandlers({ ...deps, rightsChanges, answers }));
}
