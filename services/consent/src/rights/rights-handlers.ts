import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  AnswerRightsRequestRequestSchema,
  CreateRightsRequestRequestSchema,
  RightsService,
} from "@wellapi/gen/wellapi/consent/v1/rights_service_pb";
import { type Caller, type PageTokens, partyOf } from "@wellapi/rpc";
import type { OrganizationTimes } from "@wellapi/service";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise } from "@wellapi/vault";
import type { Accesses, Call } from "../accesses.ts";
import { patientOf } from "../consent.ts";
import type { ConsentRepository } from "../consent-repository.ts";
import { ConsentError } from "../errors.ts";
import { digest } from "../etag.ts";
import { openPage } from "../page.ts";
import type { Parties } from "../parties-client.ts";
import { checkParties } from "../party-check.ts";
import { refuseUnknownFields } from "../terms-convert.ts";
import { organizationOfCall, ownerOf, patientOfCall, viewerOf } from "../viewer.ts";
import { named } from "../vocabulary-convert.ts";
import type { RightsAnswers } from "./rights-answers.ts";
import type { RightsChanges } from "./rights-changes.ts";
import { demandedContent, demandOf, rightsMessage, rightsSaidIn, rightsStates } from "./rights-convert.ts";
import type { KeptRights, RightsRepository } from "./rights-repository.ts";
import { isHidden, stateOf } from "./rights-request.ts";
import { visibleRights } from "./visible-rights.ts";

const { method } = RightsService;

export interface RightsHandlersDeps {
  readonly rights: RightsRepository;
  readonly rightsChanges: RightsChanges;
  readonly answers: RightsAnswers;
  readonly consents: Pick<ConsentRepository, "get">;
  readonly parties: Parties;
  readonly accesses: Accesses;
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
  readonly terminology: Terminology;
  readonly times: OrganizationTimes;
}

type Handlers = ServiceImpl<typeof RightsService>;

export function createRightsHandlers(deps: RightsHandlersDeps): Handlers {
  return { ...createPatientHandlers(deps), ...createReadHandlers(deps), ...createAnswerHandler(deps) };
}

/** What patients call. */
function createPatientHandlers(
  deps: RightsHandlersDeps,
): Pick<Handlers, "createRightsRequest" | "withdrawRightsRequest"> {
  const { rights, rightsChanges, accesses, parties, pairwise, terminology } = deps;
  return {
    createRightsRequest(message, context) {
      const { rightsRequest: asked, requestId } = message;
      return accesses.logged(context, method.createRightsRequest, requestId, async (call) => {
        const { partition, author } = patientOfCall(call.caller);
        call.about(partition);
        refuseUnknownFields(CreateRightsRequestRequestSchema, message, "");
        const origin = { partition, requestId, requestDigest: digest(demandedContent(asked)) };
        const { hides } = call.caller.principal;
        const earlier = await rightsChanges.repeated(origin);
        if (earlier !== undefined) {
          if (isHidden(earlier.kept.request, hides)) throw new ConsentError("rights_not_found");
          return { rightsRequest: await shown(deps, earlier.kept, call.caller) };
        }
        const demanded = demandOf(asked, { pairwise, terminology, hides, party: partyOf(call.caller) });
        await checkParties(
          parties,
          { organization: demanded.organization, field: "rights_request.organization" },
          partition,
        );
        const made = await rightsChanges.create({ ...demanded, ...origin, author }, call.leafOf);
        if (made.denial !== undefined) call.about(partition, [made.denial]);
        if (made.changed) call.committed();
        return { rightsRequest: await shown(deps, made.kept, call.caller) };
      });
    },
    withdrawRightsRequest({ rightsRequest: id }, context) {
      return accesses.logged(context, method.withdrawRightsRequest, "", async (call) => {
        const { partition, author } = patientOfCall(call.caller);
        call.about(partition);
        const found = await visibleRights(rights, viewerOf(call.caller), id);
        const { kept, changed } = await rightsChanges.withdraw(found, author, call.leafOf);
        if (changed) call.committed();
        return { rightsRequest: await shown(deps, kept, call.caller) };
      });
    },
  };
}

/** What both sides call. */
function createReadHandlers(
  deps: RightsHandlersDeps,
): Pick<Handlers, "getRightsRequest" | "listRightsRequests"> {
  const { rights, accesses, times, pageTokens } = deps;
  const begin = (call: Call) => {
    const viewer = viewerOf(call.caller);
    if ("partition" in viewer.holder) call.about(viewer.holder.partition);
    return viewer;
  };
  return {
    getRightsRequest({ rightsRequest: id }, context) {
      return accesses.logged(context, method.getRightsRequest, "", async (call) => {
        const found = await visibleRights(rights, begin(call), id);
        call.about(found.partition);
        return { rightsRequest: await shown(deps, found, call.caller) };
      });
    },
    listRightsRequests(request, context) {
      return accesses.logged(context, method.listRightsRequests, "", async (call) => {
        const viewer = begin(call);
        const page = openPage(pageTokens, call.caller, method.listRightsRequests, request);
        const { organization } = request;
        const found = await rights.list(ownerOf(viewer), page);
        const states = new Set(request.states.map((state) => named(rightsStates, state)));
        const seen = found.requests.filter(
          ({ request: one }) =>
            (organization === "" || one.organization === organization) &&
            (states.size === 0 || states.has(stateOf(one, times.now(one.organization)))) &&
            !isHidden(one, viewer.hides),
        );
        return {
          rightsRequests: await Promise.all(seen.map((kept) => shown(deps, kept, call.caller))),
          nextPageToken: page.next(found.cursor),
        };
      });
    },
  };
}

/** What organizations call. */
function createAnswerHandler(deps: RightsHandlersDeps): Pick<Handlers, "answerRightsRequest"> {
  const { rights, answers, accesses } = deps;
  return {
    answerRightsRequest(request, context) {
      const { requestId, etag } = request;
      return accesses.logged(context, method.answerRightsRequest, requestId, async (call) => {
        const { actor } = organizationOfCall(call.caller);
        const found = await visibleRights(rights, viewerOf(call.caller), request.rightsRequest);
        call.about(found.partition);
        refuseUnknownFields(AnswerRightsRequestRequestSchema, request, "");
        const sent = { said: rightsSaidIn(request), etag, requestId };
        const { kept, changed } = await answers.answer(found, sent, actor, call.leafOf);
        if (changed) call.committed();
        return { rightsRequest: await shown(deps, kept, call.caller) };
      });
    },
  };
}

/** As the caller sees it: with their own ids, and with whether what it denies is denied now. */
async function shown(
  { pairwise, times, consents }: RightsHandlersDeps,
  { partition, request }: KeptRights,
  caller: Caller,
): Promise<MessageInitShape<typeof method.getRightsRequest.output>["rightsRequest"] & object> {
  const party = partyOf(caller);
  const { denial } = request;
  const consent = denial === undefined ? undefined : await consents.get(partition, denial);
  return rightsMessage(request, {
    pairwise,
    party,
    patient: pairwise.outward(party, patientOf(partition)),
    now: times.now(request.organization),
    denied: consent !== undefined && consent.revokeTime === undefined,
  });
}
