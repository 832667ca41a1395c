import { GuardianshipService } from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { type Route, route } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import { createTextMac, type Kms, type Vault } from "@wellapi/vault";
import { collections } from "../collections.ts";
import type { ClaimCodeRepository } from "../patients/claim-code-repository.ts";
import { openSweep } from "../sweep.ts";
import { createDisputeHandlers, type DisputeHandlersDeps } from "./dispute-handlers.ts";
import { createGuardianCodes } from "./guardian-codes.ts";
import { createPetitionHandlers, type GuardianshipHandlersDeps } from "./guardianship-handlers.ts";
import { petitionKept } from "./petition.ts";
import { createPetitionRepository, type PetitionRepository } from "./petition-repository.ts";
import { createPetitions, type PetitionsDeps } from "./petitions.ts";

/** Petitions as they are stored. */
export async function openPetitionRepository(
  store: Store,
  vault: Vault,
  kms: Kms,
  clock: Clock,
): Promise<PetitionRepository> {
  const macOf = createTextMac(await kms.derive("identity/petitions"));
  return createPetitionRepository({ store, vault, macOf, now: clock.now });
}

export interface GuardianshipRoom {
  readonly route: Route;
  close(): Promise<void>;
}

/** How persons become guardians by their own request, and how guardians are disputed. */
export async function openGuardianshipRoom(
  deps: Omit<PetitionsDeps, "codes" | "petitions"> &
    Omit<GuardianshipHandlersDeps, "codes" | "asking" | "petitions"> &
    Omit<DisputeHandlersDeps, "delegations"> & {
      readonly vault: Vault;
      readonly kms: Kms;
      readonly claims: ClaimCodeRepository;
      readonly log: Parameters<typeof openSweep>[0]["log"];
    },
): Promise<GuardianshipRoom> {
  const { store, vault, kms, clock, log } = deps;
  const petitions = await openPetitionRepository(store, vault, kms, clock);
  const codes = createGuardianCodes(deps);
  const asking = createPetitions({ ...deps, codes, petitions });
  const sweep = await openSweep({
    store,
    collection: collections.petitions,
    keptMs: petitionKept,
    clock,
    log,
  });
  return {
    route: route(GuardianshipService, {
      ...createPetitionHandlers({ ...deps, codes, petitions, asking }),
      ...createDisputeHandlers(deps),
    }),
    close: () => sweep.close(),
  };
}
