import { ConsentError } from "../errors.ts";
import type { Viewer } from "../viewer.ts";
import { isHiddenRequest } from "./request.ts";
import type { KeptRequest, RequestHolder, RequestRepository } from "./request-repository.ts";

/** Whose requests the viewer sees. */
export function requestHolderOf({ holder, grantee }: Viewer): RequestHolder {
  if ("grantee" in holder) return { organization: holder.grantee };
  return { partition: holder.partition, ...(grantee !== undefined && { organization: grantee }) };
}

/** A request that the viewer may see. Throws `request_not_found`, the same for another's request and for none. */
export async function visibleRequest(
  requests: Pick<RequestRepository, "find">,
  viewer: Viewer,
  id: string,
): Promise<KeptRequest> {
  const found = await requests.find(id);
  const { partition, organization } = requestHolderOf(viewer);
  const theirs =
    found !== undefined &&
    (partition === undefined || found.partition === partition) &&
    (organization === undefined || found.request.terms.grantee === organization);
  if (!theirs || isHiddenRequest(found.request, viewer.hides)) throw new ConsentError("request_not_found");
  return found;
}
