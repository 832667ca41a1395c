import type { DocumentCheck } from "@wellapi/store";
import type { ConsentSealing } from "../consent-sealing.ts";
import { opened } from "../sealed-check.ts";
import {
  deletionObligations,
  type ObligationDocument,
  openObligation,
  organizationMac,
} from "./obligation-documents.ts";

const isNotAnswered = "one obligation of one organization to delete can be neither shown nor answered";

/** An obligation agrees with the fields beside its seal. */
export function obligationCheck(sealing: Pick<ConsentSealing, "open" | "tagOf">): DocumentCheck {
  return async (document) => {
    const stored = document as ObligationDocument;
    const at = [stored.partition, stored.obligation];
    return opened(deletionObligations.name, at, isNotAnswered, async () => {
      const obligation = await openObligation(sealing, stored);
      if (obligation === undefined) return true;
      return (
        organizationMac(sealing, obligation.organization) === stored.organization_mac &&
        obligation.createTime === stored.create_time &&
        obligation.id === stored.obligation
      );
    });
  };
}
