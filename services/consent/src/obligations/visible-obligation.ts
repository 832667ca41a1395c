import { ConsentError } from "../errors.ts";
import { isOf } from "../owner.ts";
import { ownerOf, type Viewer } from "../viewer.ts";
import { isHidden } from "./obligation.ts";
import type { KeptObligation, ObligationRepository } from "./obligation-repository.ts";

/** An obligation that the viewer may see. Throws `obligation_not_found`, the same for another's and for none. */
export async function visibleObligation(
  obligations: Pick<ObligationRepository, "find">,
  viewer: Viewer,
  id: string,
): Promise<KeptObligation> {
  const found = await obligations.find(id);
  const theirs =
    found !== undefined &&
    isOf(ownerOf(viewer), { partition: found.partition, organization: found.obligation.organization });
  if (!theirs || isHidden(found.obligation, viewer.hides)) throw new ConsentError("obligation_not_found");
  return found;
}
