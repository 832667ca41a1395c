export { addressGroup } from "./address-group.ts";
export { type BudgetOptions, createBudget } from "./budget.ts";
export type { Counters, Taken } from "./counters.ts";
export { budgetFields } from "./http-fields.ts";
export { createMemoryCounters } from "./memory-counters.ts";
export { type BoundOpensOptions, boundOpens, createOpens, type Opens } from "./opens.ts";
export { defaultRates, windowSeconds } from "./rates.ts";
export { weights } from "./weights.ts";
