import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { StaffService } from "@wellapi/gen/wellapi/identity/v1/staff_service_pb";
import { type PageTokens, type Route, route } from "@wellapi/rpc";
import type { Clock, Logger, Loop } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import { createItemSealer, createTextMac, type ItemSealer, type Kms } from "@wellapi/vault";
import type { Accesses } from "../accesses.ts";
import { collections } from "../collections.ts";
import { createStaffHandlers } from "../staff/staff-handlers.ts";
import { openSweep } from "../sweep.ts";
import { createInvitationRepository, type InvitationRepository, keptMs } from "./invitation-repository.ts";
import { createMemberDirectory, type MemberDirectory } from "./member-directory.ts";
import { createMemberHandlers } from "./member-handlers.ts";
import { createMemberRepository, type MemberRepository } from "./member-repository.ts";
import { createMemberships, type Memberships, type MembershipsDeps } from "./memberships.ts";

/** What is stored of members and invitations. */
export interface MemberStores {
  readonly members: MemberRepository;
  readonly invitations: InvitationRepository;
}

/** The sealer of members' and invited people's addresses. */
export async function createAddressSealer(kms: Kms): Promise<ItemSealer> {
  return createItemSealer(await kms.derive("identity/members"));
}

export async function createMemberStores(store: Store, kms: Kms): Promise<MemberStores> {
  const sealer = await createAddressSealer(kms);
  const macOf = createTextMac(await kms.derive("identity/invited addresses"));
  return {
    members: createMemberRepository(store, sealer),
    invitations: createInvitationRepository({ store, sealer, macOf }),
  };
}

/** Deletes old invitations at once, and then every ten minutes. */
export function openInvitationSweep(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<Loop> {
  const { store, clock, log } = deps;
  return openSweep({ store, collection: collections.invitations, keptMs, clock, log });
}

/** Members of organizations and of the staff: their RPCs, and what the rest of identity asks of them. */
export interface MemberRoom {
  readonly routes: readonly Route[];
  readonly directory: MemberDirectory;
  readonly memberships: Memberships;
}

export function createMemberRoom(
  deps: MembershipsDeps & { readonly accesses: Accesses; readonly pageTokens: PageTokens },
): MemberRoom {
  const memberships = createMemberships(deps);
  const handlers = { ...deps, memberships };
  return {
    routes: [
      route(MemberService, createMemberHandlers(handlers)),
      route(StaffService, createStaffHandlers(handlers)),
    ],
    directory: createMemberDirectory(deps),
    memberships,
  };
}
