import type { DocumentCheck } from "@wellapi/store";
import type { ConsentSealing } from "../consent-sealing.ts";
import { opened } from "../sealed-check.ts";
import type { SealedRequestDocument } from "../sealed-request.ts";
import {
  type AskingDocument,
  consentAskings,
  consentRequests,
  openAsking,
  organizationMac,
  sealedRequests,
} from "./request-documents.ts";

const isNotAnswered =
  "one request for consent to one patient can be neither shown nor decided; it permits nothing";
const isNotAsked = "one organization can ask one patient nothing more, and what it asked cannot be decided";

/** A request agrees with the fields beside its seal. */
export function requestCheck(sealing: Pick<ConsentSealing, "open" | "tagOf">): DocumentCheck {
  return async (document) => {
    const stored = document as SealedRequestDocument;
    return opened(consentRequests.name, [stored.partition, stored.request], isNotAnswered, async () => {
      const content = (await sealedRequests.open(sealing, stored))?.content;
      if (content === undefined) return true;
      return (
        organizationMac(sealing, content.terms.grantee) === stored.organization_mac &&
        content.createTime === stored.create_time &&
        content.id === stored.request
      );
    });
  };
}

/** What an organization asked lately opens. */
export function askingCheck(sealing: Pick<ConsentSealing, "open">): DocumentCheck {
  return async (document) => {
    const stored = document as AskingDocument;
    return opened(consentAskings.name, [stored.partition, stored.organization_mac], isNotAsked, async () => {
      await openAsking(sealing, stored);
      return true;
    });
  };
}
