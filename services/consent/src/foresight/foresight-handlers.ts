import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { type Consent as ConsentMessage, ConsentSchema } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import {
  type AcceptConsentRequestRequest,
  AcceptConsentRequestRequestSchema,
} from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import type {
  ConsentDecisionService,
  ForeseeRequest,
} from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import type { OrganizationTimes } from "@wellapi/service";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise } from "@wellapi/vault";
import { type Author, type CurrentConsents, isHidden, patientOf } from "../consent.ts";
import type { ConsentRepository } from "../consent-repository.ts";
import { decisionMessage } from "../convert.ts";
import { ConsentError } from "../errors.ts";
import { checkRoom } from "../granting.ts";
import { checkOpen, continuedConsent } from "../requests/request-changes.ts";
import { chosenOf } from "../requests/request-convert.ts";
import type { RequestRepository } from "../requests/request-repository.ts";
import { visibleRequest } from "../requests/visible-request.ts";
import { type Nameable, nameableBy, refuseUnknownFields, termsOf } from "../terms-convert.ts";
import type { Categories } from "../understanding.ts";
import { type Viewer, visible } from "../viewer.ts";
import { named, purposeMessages } from "../vocabulary-convert.ts";
import { asItIs, foresee, ofConsent, type Prospect, withoutHidden, withTerms } from "./foresight.ts";

export interface ForesightHandlersDeps {
  readonly consents: ConsentRepository;
  readonly requests: Pick<RequestRepository, "find">;
  readonly categories: Categories;
  readonly terminology: Terminology;
  readonly pairwise: Pairwise;
  readonly times: OrganizationTimes;
}

/** Who looks ahead, and what there is now. */
interface Looking {
  readonly partition: string;
  /** The patient, or who acts in their name. */
  readonly viewer: Viewer;
  readonly nameable: Nameable;
  readonly current: CurrentConsents;
  /** What time it is for the organization whose view is foreseen. */
  readonly nowOf: (organization: string) => number;
}

/** Leaves no entry and changes nothing: *records* leaves the entry of the preview that asks. */
export function createForesightHandlers(
  deps: ForesightHandlersDeps,
): Pick<ServiceImpl<typeof ConsentDecisionService>, "foresee"> {
  const { consents, times, categories } = deps;
  return {
    async foresee(request) {
      const { partition, party, hiddenCategories, codes, region } = request;
      await times.look();
      const hides = hiddenCategories.length === 0 ? undefined : hiddenCategories;
      const current = withoutHidden(await consents.current(partition), hides);
      const viewer: Viewer = { holder: { partition }, party, ...(hides && { hides }) };
      const looking = { partition, viewer, nameable: nameableBy(party, deps), current, nowOf: times.now };
      const prospect = await prospectOf(deps, looking, request.view);
      const purpose = named(purposeMessages, request.purpose);
      const decided = (code: string) =>
        decisionMessage(foresee(prospect, { partition, code, purpose, region }, categories));
      return {
        organization: prospect.organization,
        time: timestampFromMs(prospect.at),
        decisions: codes.map(decided),
      };
    },
  };
}

async function prospectOf(
  deps: ForesightHandlersDeps,
  looking: Looking,
  view: ForeseeRequest["view"],
): Promise<Prospect> {
  const { viewer, current, nowOf } = looking;
  switch (view.case) {
    case "organization":
      return asItIs(current, view.value, nowOf(view.value));
    case "consent": {
      const { consent } = await visible(deps.consents, viewer, view.value);
      return ofConsent(current, consent, nowOf(consent.terms.grantee));
    }
    case "grant":
      return grantedIn(looking, view.value);
    case "acceptance":
      return acceptedIn(deps, looking, view.value);
    case undefined:
      throw new ConsentError("invalid");
  }
}

/** As `CreateConsent` would have it; that the organization exists is not asked: nothing is told to it. */
function grantedIn(
  { partition, viewer, nameable, current, nowOf }: Looking,
  asked: ConsentMessage,
): Prospect {
  const now = nowOf(asked.grantee);
  refuseUnknownFields(ConsentSchema, asked, "grant");
  const terms = termsOf(asked, now, nameable, "grant");
  if (isHidden(terms, viewer.hides)) throw new ConsentError("own_care");
  const prospect = withTerms(current, terms, authorOf(partition), now);
  checkRoom(current, prospect.consent);
  return prospect;
}

/** As `AcceptConsentRequest` would have it. */
async function acceptedIn(
  { requests }: ForesightHandlersDeps,
  { partition, viewer, nameable, current, nowOf }: Looking,
  message: AcceptConsentRequestRequest,
): Promise<Prospect> {
  refuseUnknownFields(AcceptConsentRequestRequestSchema, message, "acceptance");
  const { request } = await visibleRequest(requests, viewer, message.consentRequest);
  const now = nowOf(request.terms.grantee);
  checkOpen(request, now);
  const terms = chosenOf(message, request, { partition, now, nameable, root: "acceptance" });
  const replaces = continuedConsent(request, current, now);
  const prospect = withTerms(current, terms, authorOf(partition), now, replaces);
  checkRoom(current, prospect.consent);
  return prospect;
}

/** Who would grant decides nothing. */
function authorOf(partition: string): Author {
  return { kind: "patient", id: patientOf(partition) };
}
