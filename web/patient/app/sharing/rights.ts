import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import {
  type RightsRequest,
  RightsRequest_State as State,
} from "@wellapi/gen/wellapi/consent/v1/rights_request_pb";
import type {
  ListRightsRequestsRequestSchema,
  RightsService,
} from "@wellapi/gen/wellapi/consent/v1/rights_service_pb";

/** The states in which nobody has decided: until then what a rectification is about is marked for who reads it. */
const undecided = [State.OPEN, State.OVERDUE];

export function isUndecided({ state }: Pick<RightsRequest, "state">): boolean {
  return undecided.includes(state);
}

/** All that are asked for, newest first. */
export async function rightsRequests(
  rights: Client<typeof RightsService>,
  asked: MessageInitShape<typeof ListRightsRequestsRequestSchema>,
  signal: AbortSignal,
): Promise<readonly RightsRequest[]> {
  const found: RightsRequest[] = [];
  let pageToken = "";
  do {
    const page = await rights.listRightsRequests({ ...asked, pageToken }, { signal });
    found.push(...page.rightsRequests);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return found;
}

/** What the patient disputes of what was measured in a category: the requests that nobody has decided. */
export async function disputesOf(
  rights: Client<typeof RightsService>,
  category: string,
  signal: AbortSignal,
): Promise<readonly RightsRequest[]> {
  const open = await rightsRequests(rights, { states: undecided }, signal);
  return open.filter(({ right }) => {
    if (right.case !== "rectification") return false;
    return right.value.clinicalRecord === "" && right.value.category === category;
  });
}
