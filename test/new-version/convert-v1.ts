import { Code } from "@connectrpc/connect";
import { problemError } from "@wellapi/rpc";
import type { GoalV1 } from "./contracts.ts";
import type { Goal } from "./goal.ts";

export function goalOfV1({ stepsADay }: GoalV1): Goal {
  return { measure: "steps", amount: stepsADay, period: "day" };
}

/**
 * What v1 cannot say it neither rounds nor leaves out: a caller would take it for the truth.
 * @throws ConnectError NEEDS_LATER_VERSION
 */
export function goalToV1(goal: Goal | undefined): GoalV1 {
  if (goal === undefined) return { stepsADay: 0 };
  if (goal.measure === "steps" && goal.period === "day") return { stepsADay: goal.amount };
  throw problemError({
    code: Code.FailedPrecondition,
    reason: "NEEDS_LATER_VERSION",
    message: "this goal is none of steps a day: wellapi.goals.v2.GoalService/GetGoal shows it",
  });
}
