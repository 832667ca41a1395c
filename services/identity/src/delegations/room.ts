import { DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { type Route, route } from "@wellapi/rpc";
import type { Store } from "@wellapi/store";
import { createTextMac, type Kms, type Vault } from "@wellapi/vault";
import type { ActingLookups } from "../sessions/acting.ts";
import { createDelegationHandlers, type DelegationHandlersDeps } from "./delegation-handlers.ts";
import { createDelegationRepository, type DelegationRepository } from "./delegation-repository.ts";
import { createDelegations, type Delegations, type DelegationsDeps } from "./delegations.ts";

export async function openDelegationRepository(
  store: Store,
  vault: Vault,
  kms: Kms,
): Promise<DelegationRepository> {
  const macOf = createTextMac(await kms.derive("identity/delegations"));
  return createDelegationRepository({ store, vault, macOf });
}

/** Who acts in patients' names: their RPCs, and what the rest of identity asks of them. */
export interface DelegationRoom {
  readonly route: Route;
  readonly acting: Delegations;
  /** What the exchange of a session asks, and a person who chooses whom to act for. */
  readonly lookups: Pick<ActingLookups, "findDelegation" | "delegations">;
}

export function createDelegationRoom(
  deps: DelegationsDeps & Omit<DelegationHandlersDeps, "acting">,
): DelegationRoom {
  const acting = createDelegations(deps);
  return {
    acting,
    route: route(DelegationService, createDelegationHandlers({ ...deps, acting })),
    lookups: { findDelegation: acting.find, delegations: acting.ofAccount },
  };
}
