/** What a sandbox may be told to fail by. */
export const faults = ["unavailable", "slow", "revoke-mid-stream"] as const;
