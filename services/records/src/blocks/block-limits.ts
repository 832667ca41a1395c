import { DAY_MS } from "../model/utc-day.ts";

/** Longest span of a block, from its first sample to its last. */
export const MAX_BLOCK_SPAN_MS = 31 * DAY_MS;
/** Longest cover of a block, from its first sample to the latest end of any sample: how far back readers look. */
export const MAX_BLOCK_REACH_MS = 32 * DAY_MS;
