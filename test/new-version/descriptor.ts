import { describeService } from "@wellapi/service";
import { GoalServiceV1, GoalServiceV2 } from "./contracts.ts";
import { createGoalRepository, goalCollections } from "./goal-repository.ts";
import { goalRoutes } from "./handlers.ts";

/** A service with two versions of its contract. */
export const goalsService = describeService({
  name: "goals",
  contracts: [GoalServiceV1, GoalServiceV2],
  store: {
    collections: goalCollections,
    check: async () => ({ collections: goalCollections, documents: {} }),
  },
  needs: [],
  calls: [],
  replicas: "many",
  async compose(platform) {
    return { routes: goalRoutes(createGoalRepository(await platform.openStore())) };
  },
});
