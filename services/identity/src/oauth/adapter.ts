import { isProblemCarrier } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import { StoreError } from "@wellapi/store";
import { type Adapter, type AdapterPayload, errors } from "oidc-provider";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import { metadataOf } from "./client-metadata.ts";
import type { StateRepository } from "./state-repository.ts";

/** How long states are kept after their end, milliseconds: so that a second use of what is over is noticed. */
const keptLonger: Readonly<Record<string, number>> = {
  AuthorizationCode: 600_000,
  // Its interaction outlives it.
  PushedAuthorizationRequest: 3_600_000,
};

/** The library's storage over the store port. */
export function createAdapters(deps: {
  readonly states: StateRepository;
  readonly organizations: Pick<OrganizationRepository, "application" | "mayCall">;
  readonly clock: Clock;
  /** Tokens of the grant permit nothing any more. */
  readonly endGrant: (grant: string) => Promise<void>;
}): (model: string) => Adapter {
  return (model) => {
    if (model === "Client") return available(createClientAdapter(deps));
    if (model === "Session") return noSessions;
    return available(createStateAdapter(model, deps));
  };
}

/** Applications are the clients. */
function createClientAdapter({
  organizations,
}: Pick<Parameters<typeof createAdapters>[0], "organizations">): Adapter {
  return {
    ...noSessions,
    async find(id) {
      const application = await organizations.application(id).catch((error: unknown) => {
        if (isProblemCarrier(error) && error.problem.reason === "NOT_FOUND") return undefined;
        throw error;
      });
      if (application?.oauth === undefined) return undefined;
      const holder = { application: id, organization: application.organization };
      return (await organizations.mayCall(holder)) ? metadataOf(application, application.oauth) : undefined;
    },
  };
}

function createStateAdapter(model: string, deps: Parameters<typeof createAdapters>[0]): Adapter {
  const { states, clock, endGrant } = deps;
  const later = keptLonger[model] ?? 0;

  /** A second use, also at the same time, ends whatever the first has given. */
  async function usedAgain(id: string): Promise<never> {
    const grant = (await states.find(model, id))?.grantId;
    if (typeof grant === "string") await endGrant(grant);
    throw model === "PushedAuthorizationRequest"
      ? new errors.InvalidRequestUri("request_uri was already used")
      : new errors.InvalidGrant("it was already used");
  }

  return {
    async upsert(id, payload, expiresIn) {
      const { grantId, userCode } = payload;
      await states.put({
        model,
        id,
        payload,
        expireTime: clock.now() + (expiresIn ?? 0) * 1_000 + later,
        grant: grantId,
        lookup: userCode,
      });
    },
    find: async (id) => (await states.find(model, id)) as AdapterPayload | undefined,
    findByUid: async () => undefined,
    findByUserCode: async (code) => (await states.findByLookup(model, code)) as AdapterPayload | undefined,
    async consume(id) {
      if (!(await states.consume(model, id))) await usedAgain(id);
    },
    async destroy(id) {
      if (model === "Grant") await endGrant(id);
      else await states.remove(model, id);
    },
    revokeByGrantId: (grant) => states.removeOfGrant(grant),
  };
}

/** A person's session is not the library's: each authorization begins without one. */
const noSessions: Adapter = {
  upsert: async () => undefined,
  find: async () => undefined,
  findByUid: async () => undefined,
  findByUserCode: async () => undefined,
  consume: async () => undefined,
  destroy: async () => undefined,
  revokeByGrantId: async () => undefined,
};

/** The client is told to try again where the store does not answer; it learns nothing else of the failure. */
function available(adapter: Adapter): Adapter {
  const guarded = Object.entries(adapter).map(([name, method]) => [
    name,
    async (...parameters: unknown[]) => {
      try {
        return await (method as (...all: unknown[]) => Promise<unknown>)(...parameters);
      } catch (error) {
        throw error instanceof StoreError ? unavailable(error) : error;
      }
    },
  ]);
  return Object.fromEntries(guarded) as Adapter;
}

/** 503 `temporarily_unavailable`. */
export function unavailable(cause: unknown): Error {
  const error = new errors.TemporarilyUnavailable(
    "a part of the server does not answer: try again after a second",
  );
  return Object.assign(error, { status: 503, statusCode: 503, cause });
}
