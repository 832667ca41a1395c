import { ConsentError } from "../errors.ts";
import { isOf } from "../owner.ts";
import { ownerOf, type Viewer } from "../viewer.ts";
import type { KeptRights, RightsRepository } from "./rights-repository.ts";
import { isHidden } from "./rights-request.ts";

/** A rights request that the viewer may see. Throws `rights_not_found`, the same for another's and for none. */
export async function visibleRights(
  rights: Pick<RightsRepository, "find">,
  viewer: Viewer,
  id: string,
): Promise<KeptRights> {
  const found = await rights.find(id);
  const theirs =
    found !== undefined &&
    isOf(ownerOf(viewer), { partition: found.partition, organization: found.request.organization });
  if (!theirs || isHidden(found.request, viewer.hides)) throw new ConsentError("rights_not_found");
  return found;
}
