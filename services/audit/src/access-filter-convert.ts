import type { AccessFilter } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { Actor_Kind } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Terminology } from "@wellapi/terminology";
import type { AccessSearch } from "./access-search.ts";
import { accessIn } from "./disclosures/disclosure-convert.ts";
import type { Shown } from "./own-care.ts";

/** Whether an access fits all that a filter sets, and is shown to the caller. */
export function fitsFilter(
  { organization, outcomes, categories, withoutPatientsOwn, consent }: AccessFilter,
  shown: Shown,
  terminology: Pick<Terminology, "categoriesOf">,
): AccessSearch["fits"] {
  const wanted = new Set(categories);
  return ({ secret, damaged }) => {
    const access = accessIn(secret);
    if (!shown(access)) return false;
    // Of whom it was is not known any more, and nothing else: but damage is told.
    if (access === undefined) return damaged && organization === "";
    if (organization !== "" && ![access.organization, access.previewedOrganization].includes(organization)) {
      return false;
    }
    if (outcomes.length > 0 && !outcomes.includes(access.outcome)) return false;
    if (withoutPatientsOwn && access.actor?.kind === Actor_Kind.PATIENT) return false;
    if (consent !== "" && !access.consents.some((one) => one.consent === consent)) return false;
    if (wanted.size === 0) return true;
    return access.codes.some((code) => terminology.categoriesOf(code).some((one) => wanted.has(one)));
  };
}
