import { ConsentReceiptService } from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import { ConsentRequestService } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { ConsentDirectoryService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_directory_service_pb";
import type { Follower } from "@wellapi/journal";
import type { ReceiptKey } from "@wellapi/receipts";
import { type PageTokens, type Route, route } from "@wellapi/rpc";
import type { Clock, Ids } from "@wellapi/runtime";
import type { OrganizationTimes } from "@wellapi/service";
import type { Store } from "@wellapi/store";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise } from "@wellapi/vault";
import type { Accesses } from "../accesses.ts";
import type { ConsentRepository, Notified } from "../consent-repository.ts";
import type { ConsentSealing } from "../consent-sealing.ts";
import { createDirectoryHandlers } from "../directory-handlers.ts";
import type { Granting } from "../granting.ts";
import type { ObligationRepository } from "../obligations/obligation-repository.ts";
import type { Parties } from "../parties-client.ts";
import type { RecalledChanges } from "../recalled-changes.ts";
import { createReceiptHandlers } from "../receipts/receipt-handlers.ts";
import type { RightsRepository } from "../rights/rights-repository.ts";
import type { Categories } from "../understanding.ts";
import { createRequestBudget } from "./request-budget-repository.ts";
import { RequestChanges } from "./request-changes.ts";
import { createRequestHandlers } from "./request-handlers.ts";
import { RequestRepository } from "./request-repository.ts";

export interface RequestRoomDeps {
  readonly store: Store;
  readonly sealing: ConsentSealing;
  readonly consents: ConsentRepository;
  /** Of which there are receipts, too, as of `rights`. */
  readonly obligations: ObligationRepository;
  readonly rights: RightsRepository;
  readonly granting: Granting;
  readonly changes: RecalledChanges;
  readonly journal: Follower;
  readonly relay: Notified | undefined;
  readonly accesses: Accesses;
  readonly parties: Parties;
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
  readonly receiptKey: Pick<ReceiptKey, "sign">;
  readonly categories: Categories;
  readonly terminology: Terminology;
  readonly clock: Clock;
  readonly times: OrganizationTimes;
  readonly ids: Ids;
  readonly region: string;
  /** Requests of an organization in a day. */
  readonly requestsPerDay: number;
}

/** Requests for consent, and receipts of what was decided: their RPCs, and what other services ask of both. */
export function createRequestRoom(deps: RequestRoomDeps): {
  readonly routes: readonly Route[];
  readonly requests: Pick<RequestRepository, "find">;
} {
  const { store, sealing, requestsPerDay } = deps;
  const requests = new RequestRepository(store, sealing);
  const requestChanges = new RequestChanges({ ...deps, requests });
  const budget = createRequestBudget({ ...deps, most: requestsPerDay });
  return {
    requests,
    routes: [
      route(ConsentRequestService, createRequestHandlers({ ...deps, requests, requestChanges, budget })),
      route(ConsentReceiptService, createReceiptHandlers({ ...deps, requests })),
      route(ConsentDirectoryService, createDirectoryHandlers({ ...deps, requests })),
    ],
  };
}
