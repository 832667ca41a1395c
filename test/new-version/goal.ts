/** What the newest version of the contract can say, and nothing that only an older one has. */
export interface Goal {
  readonly measure: "steps" | "active_minutes";
  readonly amount: number;
  readonly period: "day" | "week";
}
