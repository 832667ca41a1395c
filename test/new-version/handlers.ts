import type { HandlerContext } from "@connectrpc/connect";
import { callerKey, type Route } from "@wellapi/rpc";
import { GoalServiceV1, GoalServiceV2, type GoalV1, type GoalV2 } from "./contracts.ts";
import { goalOfV1, goalToV1 } from "./convert-v1.ts";
import { goalOfV2, goalToV2 } from "./convert-v2.ts";
import type { GoalRepository } from "./goal-repository.ts";

/** Both versions over one domain: what differs is how they convert. */
export function goalRoutes(goals: GoalRepository): readonly Route[] {
  const v1 = {
    async getGoal(_request: unknown, context: HandlerContext) {
      return goalToV1(await goals.find(organizationOf(context)));
    },
    async setGoal(request: GoalV1, context: HandlerContext) {
      await goals.replace(organizationOf(context), goalOfV1(request));
      return {};
    },
  };
  const v2 = {
    async getGoal(_request: unknown, context: HandlerContext) {
      const goal = await goals.find(organizationOf(context));
      return goal === undefined ? {} : { goal: goalToV2(goal) };
    },
    async setGoal({ goal }: { readonly goal: GoalV2 }, context: HandlerContext) {
      await goals.replace(organizationOf(context), goalOfV2(goal));
      return {};
    },
  };
  return [
    { service: GoalServiceV1, implementation: v1 },
    { service: GoalServiceV2, implementation: v2 },
  ];
}

function organizationOf(context: HandlerContext): string {
  const { principal } = context.values.get(callerKey);
  if (principal.organization === undefined) throw new TypeError("the contract permits applications only");
  return principal.organization;
}
