import type { StreamRequest, UnaryRequest } from "@connectrpc/connect";
import { type Budget, budgetStateKey, peerAddressKey, type Spending } from "../caller/budget.ts";
import { callerKey } from "../caller/caller.ts";
import { peerWorkloadKey } from "../caller/context.ts";
import { problemError } from "../status.ts";

/**
 * Takes the price of the call from its caller's budgets. Undefined between services, which have none.
 * @throws ConnectError RATE_LIMITED where one is used up.
 */
export async function takePrice(
  budget: Budget | undefined,
  { contextValues, method }: UnaryRequest | StreamRequest,
): Promise<Spending | undefined> {
  if (budget === undefined || contextValues.get(peerWorkloadKey) !== undefined) return undefined;
  const { state, refusal, spending } = await budget.admit({
    caller: contextValues.get(callerKey),
    method,
    address: contextValues.get(peerAddressKey),
  });
  contextValues.set(budgetStateKey, state);
  if (refusal !== undefined) throw problemError(refusal);
  return spending;
}
