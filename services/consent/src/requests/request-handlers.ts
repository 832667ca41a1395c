import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  AcceptConsentRequestRequestSchema,
  ConsentRequestService,
} from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { type Caller, type PageTokens, partyOf } from "@wellapi/rpc";
import type { OrganizationTimes } from "@wellapi/service";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise } from "@wellapi/vault";
import type { Accesses } from "../accesses.ts";
import { type Author, hasEnded, isHidden } from "../consent.ts";
import type { ConsentRepository } from "../consent-repository.ts";
import { consentMessage, outwardIds } from "../convert.ts";
import { ConsentError } from "../errors.ts";
import { openPage } from "../page.ts";
import type { Parties } from "../parties-client.ts";
import { checkSources } from "../party-check.ts";
import { nameableBy, refuseUnknownFields } from "../terms-convert.ts";
import type { Categories } from "../understanding.ts";
import { organizationOfCall, ownerOf, patientOfCall, viewerOf } from "../viewer.ts";
import { named } from "../vocabulary-convert.ts";
import { isHiddenRequest, stateOf } from "./request.ts";
import type { RequestBudget } from "./request-budget-repository.ts";
import type { RequestChanges } from "./request-changes.ts";
import { askedOf, chosenOf, digestOfAsked, requestMessage, requestStates } from "./request-convert.ts";
import type { KeptRequest, RequestRepository } from "./request-repository.ts";
import { visibleRequest } from "./visible-request.ts";

const { method } = ConsentRequestService;

export interface RequestHandlersDeps {
  readonly consents: Pick<ConsentRepository, "current">;
  readonly requests: RequestRepository;
  readonly requestChanges: RequestChanges;
  readonly budget: RequestBudget;
  readonly parties: Parties;
  readonly accesses: Accesses;
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
  readonly categories: Categories;
  readonly terminology: Terminology;
  readonly times: OrganizationTimes;
  /** Home region of the patients. */
  readonly region: string;
}

type Handlers = ServiceImpl<typeof ConsentRequestService>;

export function createRequestHandlers(deps: RequestHandlersDeps): Handlers {
  return { ...createAskingHandlers(deps), ...createReadHandlers(deps), ...createDecisionHandlers(deps) };
}

/** The RPCs by which an organization asks, and takes back what it asked. */
function createAskingHandlers(
  deps: RequestHandlersDeps,
): Pick<Handlers, "createConsentRequest" | "withdrawConsentRequest"> {
  const { requests, requestChanges, budget, accesses, parties, times } = deps;
  return {
    createConsentRequest({ consentRequest, requestId }, context) {
      return accesses.logged(context, method.createConsentRequest, requestId, async (call) => {
        const { organization, author } = askerOf(call.caller);
        const partition = partitionOf(deps, consentRequest?.patient ?? "", organization);
        const requestDigest = digestOfAsked(consentRequest);
        const origin = { mac: requests.originMacOf(partition, organization, requestId), requestDigest };
        const repeated = await requestChanges.repeated(origin);
        if (repeated) {
          call.about(partition);
          return { consentRequest: shown(deps, repeated, call.caller) };
        }
        await budget.take(organization);
        const asked = askedOf(
          consentRequest,
          organization,
          times.now(organization),
          nameableBy(organization, deps),
        );
        if (!(await parties.isPatient(partition))) throw new ConsentError("request_patient_unknown");
        await checkSources(parties, asked.terms.provisions, "consent_request");
        const asking = { partition, requester: author, origin, ...asked };
        const { kept, changed } = await requestChanges.create(asking, {
          about: () => call.about(partition),
          leafOf: () => call.leafOf([]).change,
        });
        if (changed) call.committed();
        return { consentRequest: shown(deps, kept, call.caller) };
      });
    },
    withdrawConsentRequest({ consentRequest: id }, context) {
      return accesses.logged(context, method.withdrawConsentRequest, "", async (call) => {
        const { author } = askerOf(call.caller);
        const found = await visibleRequest(requests, viewerOf(call.caller), id);
        call.about(found.partition);
        const leafOf = () => call.leafOf([]).change;
        const { kept, changed } = await requestChanges.end(found, "withdrawn", author, leafOf);
        if (changed) call.committed();
        return { consentRequest: shown(deps, kept, call.caller) };
      });
    },
  };
}

/** The RPCs that read requests: those to a patient, and an organization's own. */
function createReadHandlers(
  deps: RequestHandlersDeps,
): Pick<Handlers, "getConsentRequest" | "listConsentRequests"> {
  const { consents, requests, accesses, categories, times, pairwise, pageTokens } = deps;
  return {
    getConsentRequest({ consentRequest: id }, context) {
      return accesses.logged(context, method.getConsentRequest, "", async (call) => {
        const viewer = viewerOf(call.caller);
        if ("partition" in viewer.holder) call.about(viewer.holder.partition);
        const found = await visibleRequest(requests, viewer, id);
        const { partition, request } = found;
        call.about(partition);
        const consentRequest = shown(deps, found, call.caller);
        if (call.caller.principal.kind !== "patient") return { consentRequest };
        const now = times.now(request.terms.grantee);
        const given = (await consents.current(partition)).consents.filter(
          ({ terms }) =>
            terms.grantee === request.terms.grantee &&
            !hasEnded(terms.validity, now) &&
            !isHidden(terms, viewer.hides),
        );
        call.about(partition, given);
        const reader = { ...outwardIds(pairwise, partition, partyOf(call.caller)), now, categories };
        return { consentRequest, consents: given.map((one) => consentMessage(one, reader)) };
      });
    },
    listConsentRequests(request, context) {
      return accesses.logged(context, method.listConsentRequests, "", async (call) => {
        const viewer = viewerOf(call.caller);
        const page = openPage(pageTokens, call.caller, method.listConsentRequests, request);
        const found = await requests.list(ownerOf(viewer), page);
        const states = new Set(request.states.map((state) => named(requestStates, state)));
        const seen = found.requests.filter(
          ({ request: one }) =>
            (states.size === 0 || states.has(stateOf(one, times.now(one.terms.grantee)))) &&
            !isHiddenRequest(one, viewer.hides),
        );
        if ("partition" in viewer.holder) call.about(viewer.holder.partition);
        return {
          consentRequests: seen.map((kept) => shown(deps, kept, call.caller)),
          nextPageToken: page.next(found.cursor),
        };
      });
    },
  };
}

/** The RPCs by which the patient decides. */
function createDecisionHandlers(
  deps: RequestHandlersDeps,
): Pick<Handlers, "acceptConsentRequest" | "refuseConsentRequest"> {
  const { requests, requestChanges, accesses, parties, categories, times, pairwise } = deps;
  return {
    acceptConsentRequest(message, context) {
      return accesses.logged(context, method.acceptConsentRequest, "", async (call) => {
        const { partition, author } = patientOfCall(call.caller);
        call.about(partition);
        refuseUnknownFields(AcceptConsentRequestRequestSchema, message, "");
        const found = await visibleRequest(requests, viewerOf(call.caller), message.consentRequest);
        const { decision, terms: asked } = found.request;
        // What was decided is told again, however long ago, and whatever became of the two since.
        const now = decision?.time ?? times.now(asked.grantee);
        const party = partyOf(call.caller);
        const nameable = nameableBy(party, deps);
        const terms = chosenOf(message, found.request, { partition, now, nameable });
        if (decision === undefined) {
          await checkParties(parties, terms.grantee, partition);
          await checkSources(parties, terms.provisions, "");
        }
        const { consent, kept, changed } = await requestChanges.accept(found, terms, author, call.leafOf);
        // An acceptance that is repeated gives the consent as it is now, and its entry would name it.
        if (isHidden(consent.terms, call.caller.principal.hides)) throw new ConsentError("request_not_found");
        call.about(partition, [consent]);
        if (changed) call.committed();
        const consentRequest = shown(deps, kept, call.caller);
        const reader = {
          ...outwardIds(pairwise, partition, party),
          now: times.now(asked.grantee),
          categories,
        };
        return { consent: consentMessage(consent, reader), consentRequest };
      });
    },
    refuseConsentRequest({ consentRequest: id }, context) {
      return accesses.logged(context, method.refuseConsentRequest, "", async (call) => {
        const { partition, author } = patientOfCall(call.caller);
        call.about(partition);
        const found = await visibleRequest(requests, viewerOf(call.caller), id);
        const leafOf = () => call.leafOf([]).change;
        const { kept, changed } = await requestChanges.end(found, "refused", author, leafOf);
        if (changed) call.committed();
        return { consentRequest: shown(deps, kept, call.caller) };
      });
    },
  };
}

/** Of the members clinicians alone ask. Throws `not_permitted`. */
function askerOf(caller: Caller): { organization: string; author: Author } {
  const { organization, actor } = organizationOfCall(caller);
  const { kind, id } = actor;
  return { organization, author: { kind: kind === "member" ? "clinician" : kind, id } };
}

/** Throws `patient_erased`, `organization_closed`. */
async function checkParties(parties: Parties, organization: string, partition: string): Promise<void> {
  const [isThere, isPatient] = await Promise.all([
    parties.isOrganization(organization),
    parties.isPatient(partition),
  ]);
  if (!isPatient) throw new ConsentError("patient_erased");
  if (!isThere) throw new ConsentError("organization_closed");
}

/** Throws `request_patient_unknown`. */
function partitionOf({ pairwise, region }: RequestHandlersDeps, id: string, organization: string): string {
  const patient = pairwise.inward(organization, "pat", id);
  if (patient === undefined) throw new ConsentError("request_patient_unknown");
  return `${region}/${patient}`;
}

function shown(
  { pairwise, times }: RequestHandlersDeps,
  { partition, request }: KeptRequest,
  caller: Caller,
): MessageInitShape<typeof method.getConsentRequest.output>["consentRequest"] & object {
  const ids = outwardIds(pairwise, partition, partyOf(caller));
  return requestMessage(request, { ...ids, now: times.now(request.terms.grantee) });
}
