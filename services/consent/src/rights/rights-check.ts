import type { DocumentCheck } from "@wellapi/store";
import type { ConsentSealing } from "../consent-sealing.ts";
import { opened } from "../sealed-check.ts";
import type { SealedRequestDocument } from "../sealed-request.ts";
import { organizationMac, rightsRequests, sealedRights } from "./rights-documents.ts";

const isNotAnswered =
  "one request of one patient to one organization can be neither shown, answered nor withdrawn; what it denies is denied";

/** A rights request agrees with the fields beside its seal. */
export function rightsCheck(sealing: Pick<ConsentSealing, "open" | "tagOf">): DocumentCheck {
  return async (document) => {
    const stored = document as SealedRequestDocument;
    return opened(rightsRequests.name, [stored.partition, stored.request], isNotAnswered, async () => {
      const content = (await sealedRights.open(sealing, stored))?.content;
      if (content === undefined) return true;
      return (
        organizationMac(sealing, content.organization) === stored.organization_mac &&
        content.createTime === stored.create_time &&
        content.id === stored.request
      );
    });
  };
}
