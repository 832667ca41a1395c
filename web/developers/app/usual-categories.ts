/** What most wearables measure: what test patients permit, and what a new app asks for. */
export const usualCategories = ["heart", "activity", "sleep", "body", "glucose", "respiratory"].map(
  (name) => ({
    name,
  }),
);
