/** Longest span of a block, from its first sample to its last. */
export const MAX_BLOCK_SPAN_MS = 31 * 86_400_000;
/** Longest cover of a block, from its first sample to the latest end of any sample: how far back readers look. */
export const MAX_BLOCK_REACH_MS = 32 * 86_400_000;
