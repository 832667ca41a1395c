import { ConsentError } from "../errors.ts";
import { isOf } from "../owner.ts";
import { ownerOf, type Viewer } from "../viewer.ts";
import { isHiddenRequest } from "./request.ts";
import type { KeptRequest, RequestRepository } from "./request-repository.ts";

/** A request that the viewer may see. Throws `request_not_found`, the same for another's request and for none. */
export async function visibleRequest(
  requests: Pick<RequestRepository, "find">,
  viewer: Viewer,
  id: string,
): Promise<KeptRequest> {
  const found = await requests.find(id);
  const theirs =
    found !== undefined &&
    isOf(ownerOf(viewer), { partition: found.partition, organization: found.request.terms.grantee });
  if (!theirs || isHiddenRequest(found.request, viewer.hides)) throw new ConsentError("request_not_found");
  return found;
}
