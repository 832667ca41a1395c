import { createClient, type Transport } from "@connectrpc/connect";
import { GrantService } from "@wellapi/gen/wellapi/identity/v1/grant_service_pb";
import { OAuthInteractionService } from "@wellapi/gen/wellapi/identity/v1/oauth_interaction_service_pb";
import { ConsentDecisionService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import { OAuthProtocolService } from "@wellapi/gen/wellapi/internal/identity/v1/oauth_protocol_service_pb";
import type { Follower } from "@wellapi/journal";
import { type PageTokens, type Route, route } from "@wellapi/rpc";
import type { Clock, Ids, Logger } from "@wellapi/runtime";
import type { Store } from "@wellapi/store";
import type { Kms, Pairwise } from "@wellapi/vault";
import type { TokenStandings } from "../access-tokens/standing.ts";
import type { Accesses } from "../accesses.ts";
import type { AccountRepository } from "../accounts/account-repository.ts";
import type { OrganizationClockRepository } from "../clocks/organization-clock-repository.ts";
import type { CertificateAuthority } from "../credentials/certificate-authority.ts";
import type { CredentialRepository } from "../credentials/credential-repository.ts";
import type { FrozenRecords } from "../death/frozen-records.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import type { SigningKeys } from "../tokens/signing-keys.ts";
import { createAdapters } from "./adapter.ts";
import { createGrantHandlers } from "./grant-handlers.ts";
import { openGrantRepository } from "./grant-repository.ts";
import { createInteractionHandlers } from "./interaction-handlers.ts";
import { createInteractions } from "./interactions.ts";
import { createProtocol, type Protocol } from "./protocol.ts";
import { createProtocolHandlers } from "./protocol-handlers.ts";
import { createInForce } from "./standing-client.ts";
import { createStandings } from "./standings.ts";
import { openStateRepository } from "./state-repository.ts";
import { type Endpoints, endpointsOf } from "./surface-endpoints.ts";

export interface OAuth {
  readonly routes: readonly Route[];
  /** What its tokens stand on, for the exchange. */
  readonly standings: TokenStandings;
  close(): Promise<void>;
}

/** The OAuth 2 / OpenID Connect server. */
export async function openOAuth(deps: {
  /** The issuer, once the doors are open. */
  readonly origin: () => string;
  /** Where clients with a certificate call; undefined: nowhere. */
  readonly mtlsOrigin: () => string | undefined;
  readonly store: Store;
  readonly kms: Pick<Kms, "derive">;
  readonly pairwise: Pairwise;
  readonly keys: SigningKeys;
  readonly authority: CertificateAuthority;
  readonly credentials: CredentialRepository;
  readonly organizations: OrganizationRepository;
  /** Undefined outside of the sandbox. */
  readonly organizationClocks: OrganizationClockRepository | undefined;
  readonly accounts: Pick<AccountRepository, "find">;
  readonly frozen: Pick<FrozenRecords, "ofAccount">;
  readonly accesses: Accesses;
  /** Reaches consent as the workload `identity` on its own behalf. */
  readonly consent: Transport;
  readonly ended: (id: string) => void;
  /** When the person of a session last proved who they are, UTC milliseconds. */
  readonly authTime: (session: string) => Promise<number | undefined>;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly pageTokens: PageTokens;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
}): Promise<OAuth> {
  const { origin, mtlsOrigin, kms, accesses } = deps;
  const states = await openStateRepository(deps);
  const grants = await openGrantRepository(deps);
  const endpoints = once((): Endpoints => endpointsOf(origin(), mtlsOrigin()));
  const consents = createClient(ConsentDecisionService, deps.consent);
  const { accounts, frozen } = deps;
  const standings = createStandings({
    ...deps,
    endpoints,
    states,
    grants,
    inForce: createInForce(consents),
    async isFrozen(id) {
      const account = (await accounts.find(id))?.account;
      return account !== undefined && frozen.ofAccount(account);
    },
  });
  const secrets = {
    cookies: await kms.derive("identity/oauth-cookies"),
    nonces: await kms.derive("identity/oauth-nonces"),
  };
  const adapter = createAdapters({ ...deps, states, endGrant: standings.endGrant });
  const library = once(() =>
    createProtocol({ ...deps, endpoints: endpoints(), adapter, secrets, states, standings }),
  );
  const protocol: Protocol = {
    handle: (request) => library().handle(request),
    provider: () => library().provider(),
  };
  const interactions = createInteractions({ ...deps, protocol, endpoints, grants, standings });
  return {
    routes: [
      route(OAuthInteractionService, createInteractionHandlers({ interactions, accesses })),
      route(OAuthProtocolService, createProtocolHandlers({ ...deps, protocol })),
      route(GrantService, createGrantHandlers({ ...deps, grants, standings })),
    ],
    standings: {
      isRevoked: standings.isRevoked,
      async findGrant(id) {
        const grant = await standings.findGrant(id);
        // Who a person is, is said in an ID token; the access token beside it permits nothing.
        return grant === undefined || grant.kind === "person" ? undefined : { ...grant, kind: grant.kind };
      },
    },
    async close() {
      await states.close();
      await grants.close();
    },
  };
}

/** Made at the first call, when the address of the gateway is known. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
