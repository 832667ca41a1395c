import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { DeletionObligationService } from "@wellapi/gen/wellapi/consent/v1/deletion_obligation_service_pb";
import { type Caller, type PageTokens, partyOf } from "@wellapi/rpc";
import type { OrganizationTimes } from "@wellapi/service";
import type { Pairwise } from "@wellapi/vault";
import type { Accesses } from "../accesses.ts";
import { patientOf } from "../consent.ts";
import { openPage } from "../page.ts";
import { organizationOfCall, ownerOf, viewerOf } from "../viewer.ts";
import { named } from "../vocabulary-convert.ts";
import { isHidden, stateOf } from "./obligation.ts";
import type { ObligationAnswers } from "./obligation-answers.ts";
import { obligationMessage, obligationStates, saidIn } from "./obligation-convert.ts";
import type { KeptObligation, ObligationRepository } from "./obligation-repository.ts";
import { visibleObligation } from "./visible-obligation.ts";

const { method } = DeletionObligationService;

export interface ObligationHandlersDeps {
  readonly obligations: ObligationRepository;
  readonly answers: ObligationAnswers;
  readonly accesses: Accesses;
  readonly pageTokens: PageTokens;
  readonly pairwise: Pairwise;
  readonly times: OrganizationTimes;
}

export function createObligationHandlers(
  deps: ObligationHandlersDeps,
): ServiceImpl<typeof DeletionObligationService> {
  const { obligations, answers, accesses, times, pageTokens } = deps;
  return {
    getDeletionObligation({ deletionObligation: id }, context) {
      return accesses.logged(context, method.getDeletionObligation, "", async (call) => {
        const viewer = viewerOf(call.caller);
        if ("partition" in viewer.holder) call.about(viewer.holder.partition);
        const found = await visibleObligation(obligations, viewer, id);
        call.about(found.partition);
        return { deletionObligation: shown(deps, found, call.caller) };
      });
    },
    listDeletionObligations(request, context) {
      return accesses.logged(context, method.listDeletionObligations, "", async (call) => {
        const viewer = viewerOf(call.caller);
        if ("partition" in viewer.holder) call.about(viewer.holder.partition);
        const page = openPage(pageTokens, call.caller, method.listDeletionObligations, request);
        const { organization } = request;
        const found = await obligations.list(ownerOf(viewer), page);
        const states = new Set(request.states.map((state) => named(obligationStates, state)));
        const seen = found.obligations.filter(
          ({ obligation }) =>
            (organization === "" || obligation.organization === organization) &&
            (states.size === 0 || states.has(stateOf(obligation, times.now(obligation.organization)))) &&
            !isHidden(obligation, viewer.hides),
        );
        return {
          deletionObligations: seen.map((kept) => shown(deps, kept, call.caller)),
          nextPageToken: page.next(found.cursor),
        };
      });
    },
    answerDeletionObligation(request, context) {
      const { requestId } = request;
      return accesses.logged(context, method.answerDeletionObligation, requestId, async (call) => {
        const { actor } = organizationOfCall(call.caller);
        const found = await visibleObligation(obligations, viewerOf(call.caller), request.deletionObligation);
        call.about(found.partition);
        const { etag } = request;
        const sent = { said: saidIn(request, times.now(found.obligation.organization)), etag, requestId };
        const { kept, changed } = await answers.answer(found, sent, actor, call.leafOf);
        if (changed) call.committed();
        return { deletionObligation: shown(deps, kept, call.caller) };
      });
    },
  };
}

function shown(
  { pairwise, times }: ObligationHandlersDeps,
  { partition, obligation }: KeptObligation,
  caller: Caller,
): MessageInitShape<typeof method.getDeletionObligation.output>["deletionObligation"] & object {
  const patient = pairwise.outward(partyOf(caller), patientOf(partition));
  return obligationMessage(obligation, { patient, now: times.now(obligation.organization) });
}
