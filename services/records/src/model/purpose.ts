/** Purposes by the contract's numbers, as policies name them. */
export const purposeNames: ReadonlyMap<number, string> = new Map([
  [1, "treatment"],
  [2, "payment"],
  [3, "operations"],
  [4, "research"],
  [5, "patient_request"],
  [6, "public_health"],
  [7, "emergency"],
  [8, "family_request"],
]);
