import { ConsentError } from "../errors.ts";
import type { Viewer } from "../viewer.ts";
import { isHidden } from "./obligation.ts";
import type { KeptObligation, ObligationHolder, ObligationRepository } from "./obligation-repository.ts";

/** Whose obligations the viewer sees. */
export function obligationHolderOf({ holder, grantee }: Viewer): ObligationHolder {
  if ("grantee" in holder) return { organization: holder.grantee };
  return { partition: holder.partition, ...(grantee !== undefined && { organization: grantee }) };
}

/** An obligation that the viewer may see. Throws `obligation_not_found`, the same for another's and for none. */
export async function visibleObligation(
  obligations: Pick<ObligationRepository, "find">,
  viewer: Viewer,
  id: string,
): Promise<KeptObligation> {
  const found = await obligations.find(id);
  const { partition, organization } = obligationHolderOf(viewer);
  const theirs =
    found !== undefined &&
    (partition === undefined || found.partition === partition) &&
    (organization === undefined || found.obligation.organization === organization);
  if (!theirs || isHidden(found.obligation, viewer.hides)) throw new ConsentError("obligation_not_found");
  return found;
}
