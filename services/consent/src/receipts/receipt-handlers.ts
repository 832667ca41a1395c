import type { ServiceImpl } from "@connectrpc/connect";
import { ConsentReceiptService } from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import type { ReceiptKey } from "@wellapi/receipts";
import type { Pairwise } from "@wellapi/vault";
import type { Accesses, Call } from "../accesses.ts";
import { isHidden } from "../consent.ts";
import type { ConsentRepository } from "../consent-repository.ts";
import { outwardIds } from "../convert.ts";
import { ConsentError } from "../errors.ts";
import type { ObligationRepository } from "../obligations/obligation-repository.ts";
import { visibleObligation } from "../obligations/visible-obligation.ts";
import type { RequestRepository } from "../requests/request-repository.ts";
import { visibleRequest } from "../requests/visible-request.ts";
import type { RightsRepository } from "../rights/rights-repository.ts";
import { visibleRights } from "../rights/visible-rights.ts";
import { type Viewer, viewerOf, visible } from "../viewer.ts";
import { answerClaims, consentClaims, type Holder, refusalClaims, rightsClaims } from "./receipt-convert.ts";

const { method } = ConsentReceiptService;

export interface ReceiptHandlersDeps {
  readonly consents: ConsentRepository;
  readonly requests: RequestRepository;
  readonly obligations: Pick<ObligationRepository, "find">;
  readonly rights: Pick<RightsRepository, "find">;
  readonly receiptKey: Pick<ReceiptKey, "sign">;
  readonly accesses: Accesses;
  readonly pairwise: Pairwise;
}

export function createReceiptHandlers(deps: ReceiptHandlersDeps): ServiceImpl<typeof ConsentReceiptService> {
  return {
    getConsentReceipt({ decision }, context) {
      return deps.accesses.logged(context, method.getConsentReceipt, "", async (call) => {
        const viewer = viewerOf(call.caller);
        if ("partition" in viewer.holder) call.about(viewer.holder.partition);
        if (decision.case === "consentRequest") return ofRequest(deps, decision.value, viewer, call);
        if (decision.case === "obligationAnswer") return ofAnswer(deps, decision.value, viewer, call);
        if (decision.case === "rightsStep") return ofRights(deps, decision.value, viewer, call);
        const { consent = "", version = 0 } = decision.value ?? {};
        return ofVersion(deps, { consent, version }, viewer, call);
      });
    },
  };
}

/** Throws `not_found`. */
async function ofVersion(
  { consents, receiptKey, pairwise }: ReceiptHandlersDeps,
  asked: { readonly consent: string; readonly version: number },
  viewer: Viewer,
  call: Call,
): Promise<{ jws: string }> {
  const { partition, consent } = await visible(consents, viewer, asked.consent);
  call.about(partition, [consent]);
  const revision = await consents.revision(partition, consent.id, asked.version || consent.version);
  if (revision === undefined || isHidden(revision.consent.terms, viewer.hides)) {
    throw new ConsentError("not_found");
  }
  const holder = holderOf(pairwise, partition, viewer);
  return { jws: await receiptKey.sign("wellapi-consent-receipt+jwt", consentClaims(revision, holder)) };
}

/** Throws `request_not_found`, `no_receipt`. */
async function ofRequest(
  deps: ReceiptHandlersDeps,
  id: string,
  viewer: Viewer,
  call: Call,
): Promise<{ jws: string }> {
  const { partition, request } = await visibleRequest(deps.requests, viewer, id);
  call.about(partition);
  const { decision } = request;
  if (decision?.state === "accepted") return ofVersion(deps, decision, viewer, call);
  if (decision?.state !== "refused") throw new ConsentError("no_receipt");
  const holder = holderOf(deps.pairwise, partition, viewer);
  const claims = refusalClaims(request, decision.by, decision.time, holder);
  return { jws: await deps.receiptKey.sign("wellapi-consent-receipt+jwt", claims) };
}

/** Throws `obligation_not_found`, `no_receipt`. */
async function ofAnswer(
  { obligations, receiptKey, pairwise }: ReceiptHandlersDeps,
  asked: { readonly deletionObligation: string; readonly number: number },
  viewer: Viewer,
  call: Call,
): Promise<{ jws: string }> {
  const { partition, obligation } = await visibleObligation(obligations, viewer, asked.deletionObligation);
  call.about(partition);
  const number = asked.number || obligation.answers.length;
  const answer = obligation.answers[number - 1];
  if (answer === undefined) throw new ConsentError("no_receipt");
  const claims = answerClaims(obligation, answer, number, holderOf(pairwise, partition, viewer));
  return { jws: await receiptKey.sign("wellapi-consent-receipt+jwt", claims) };
}

/** Throws `rights_not_found`, `no_receipt`. */
async function ofRights(
  { rights, receiptKey, pairwise }: ReceiptHandlersDeps,
  asked: { readonly rightsRequest: string; readonly answer: number },
  viewer: Viewer,
  call: Call,
): Promise<{ jws: string }> {
  const { partition, request } = await visibleRights(rights, viewer, asked.rightsRequest);
  call.about(partition);
  const answer = asked.answer === 0 ? undefined : request.answers[asked.answer - 1];
  if (asked.answer !== 0 && answer === undefined) throw new ConsentError("no_receipt");
  const holder = holderOf(pairwise, partition, viewer);
  const outward = (id: string) => pairwise.outward(viewer.party, id);
  const claims = rightsClaims(request, { number: asked.answer, answer }, holder, outward);
  return { jws: await receiptKey.sign("wellapi-consent-receipt+jwt", claims) };
}

function holderOf(pairwise: Pairwise, partition: string, { holder, grantee, party }: Viewer): Holder {
  const organization = "grantee" in holder ? holder.grantee : grantee;
  const ids = outwardIds(pairwise, partition, party);
  return { ...ids, ...(organization !== undefined && { organization }) };
}
