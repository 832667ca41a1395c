import type { HandlerContext } from "@connectrpc/connect";
import { callerKey } from "@wellapi/rpc";
import type { OrganizationTimes } from "@wellapi/service";

/** What time it is for who sends, UTC milliseconds: what was measured after it is refused. Throws ConnectError UNAVAILABLE. */
export async function timeOfSender(times: OrganizationTimes, { values }: HandlerContext): Promise<number> {
  const looking = times.look();
  if (looking !== undefined) await looking;
  return times.now(values.get(callerKey).principal.organization ?? "");
}
