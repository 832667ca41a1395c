/** By this header a caller of a sandbox orders a failure; every other exchange refuses it. */
export const faultHeader = "wellapi-sandbox-fault";

export const faults = ["unavailable", "slow", "revoke-mid-stream"] as const;
