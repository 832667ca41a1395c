import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type {
  ConsentDirectoryService,
  ResolveHoldersRequest_Holding,
} from "@wellapi/gen/wellapi/internal/consent/v1/consent_directory_service_pb";
import type { OrganizationTimes } from "@wellapi/service";
import type { Revision } from "./consent-documents.ts";
import type { ConsentRepository } from "./consent-repository.ts";
import { ConsentError } from "./errors.ts";
import { stateOf as obligationStateOf } from "./obligations/obligation.ts";
import { obligationStates } from "./obligations/obligation-convert.ts";
import type { ObligationRepository } from "./obligations/obligation-repository.ts";
import { stateOf } from "./requests/request.ts";
import { requestStates } from "./requests/request-convert.ts";
import type { RequestRepository } from "./requests/request-repository.ts";
import { rightsStates } from "./rights/rights-convert.ts";
import type { RightsRepository } from "./rights/rights-repository.ts";
import { dueTimeOf, stateOf as rightsStateOf } from "./rights/rights-request.ts";

export interface DirectoryHandlersDeps {
  readonly consents: Pick<ConsentRepository, "get" | "revisions">;
  readonly requests: Pick<RequestRepository, "get">;
  readonly obligations: Pick<ObligationRepository, "get">;
  readonly rights: Pick<RightsRepository, "get">;
  readonly times: OrganizationTimes;
}

/** What the service that tells patients and organizations asks of consents and of requests for them. */
export function createDirectoryHandlers(
  deps: DirectoryHandlersDeps,
): ServiceImpl<typeof ConsentDirectoryService> {
  const { consents, requests, obligations, rights, times } = deps;
  return {
    async describeConsent({ partition, consent }) {
      const found = await consents.get(partition, consent);
      if (found === undefined) throw new ConsentError("not_found");
      const { terms, createTime, revokeTime } = found;
      const { end } = terms.validity;
      return {
        organization: terms.grantee,
        createTime: timestampFromMs(createTime),
        onlyDenies: terms.provisions.every(({ effect }) => effect === "deny"),
        ...(end !== undefined && { endTime: timestampFromMs(end) }),
        ...(revokeTime !== undefined && { revokeTime: timestampFromMs(revokeTime) }),
      };
    },
    async describeRequest({ partition, consentRequest }) {
      const found = await requests.get(partition, consentRequest);
      if (found === undefined) throw new ConsentError("not_found");
      await times.look();
      const { terms, decision, expireTime } = found.request;
      const state = stateOf(found.request, times.now(terms.grantee));
      return {
        organization: terms.grantee,
        waits: state === "open",
        state: requestStates[state],
        expireTime: timestampFromMs(expireTime),
        ...(decision !== undefined && { decideTime: timestampFromMs(decision.time) }),
      };
    },
    async describeVersions({ partition, consent }) {
      const revisions = await allRevisions(consents, partition, consent);
      const last = revisions.at(-1);
      if (last === undefined) throw new ConsentError("not_found");
      const { terms, revokeTime } = last.consent;
      const { end } = terms.validity;
      return {
        organization: terms.grantee,
        ...(end !== undefined && { endTime: timestampFromMs(end) }),
        revoked: revokeTime !== undefined,
        versions: revisions.map((one) => ({
          version: one.consent.version,
          time: timestampFromMs(one.time),
        })),
      };
    },
    async describeObligation({ partition, deletionObligation }) {
      const found = await obligations.get(partition, deletionObligation);
      if (found === undefined) throw new ConsentError("not_found");
      await times.look();
      const { organization, createTime, dueTime } = found.obligation;
      return {
        organization,
        state: obligationStates[obligationStateOf(found.obligation, times.now(organization))],
        createTime: timestampFromMs(createTime),
        dueTime: timestampFromMs(dueTime),
      };
    },
    async describeRightsRequest({ partition, rightsRequest }) {
      const found = await rights.get(partition, rightsRequest);
      if (found === undefined) throw new ConsentError("not_found");
      await times.look();
      const { organization, createTime, withdrawTime } = found.request;
      return {
        organization,
        state: rightsStates[rightsStateOf(found.request, times.now(organization))],
        createTime: timestampFromMs(createTime),
        dueTime: timestampFromMs(dueTimeOf(found.request)),
        ...(withdrawTime !== undefined && { withdrawTime: timestampFromMs(withdrawTime) }),
      };
    },
    async resolveHolders({ holdings }) {
      const organizations = holdings.map((holding) => holderOf(deps, holding));
      return { organizations: (await Promise.all(organizations)).map((found) => found ?? "") };
    },
  };
}

/** Whose it is; undefined where there is none (any more). */
async function holderOf(
  { consents, requests, obligations, rights }: DirectoryHandlersDeps,
  { partition, held }: ResolveHoldersRequest_Holding,
): Promise<string | undefined> {
  switch (held.case) {
    case "consent":
      return (await consents.get(partition, held.value))?.terms.grantee;
    case "consentRequest":
      return (await requests.get(partition, held.value))?.request.terms.grantee;
    case "deletionObligation":
      return (await obligations.get(partition, held.value))?.obligation.organization;
    case "rightsRequest":
      return (await rights.get(partition, held.value))?.request.organization;
    case undefined:
      return undefined;
  }
}

const MOST_REVISIONS = 1_000;

/** Oldest first. */
async function allRevisions(
  consents: Pick<ConsentRepository, "revisions">,
  partition: string,
  consent: string,
): Promise<readonly Revision[]> {
  const revisions: Revision[] = [];
  let cursor: string | undefined;
  do {
    const page = await consents.revisions(partition, consent, { limit: MOST_REVISIONS, cursor });
    revisions.push(...page.revisions);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return revisions;
}
