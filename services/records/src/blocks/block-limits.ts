/** Longest span of a block, from its first sample to its last. */
export const MAX_BLOCK_SPAN_MS = 31 * 86_400_000;
/** Most that a block covers, from its first sample to the end of whichever ends last: how far back readers look. */
export const MAX_BLOCK_REACH_MS = 32 * 86_400_000;
