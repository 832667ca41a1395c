const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Samples of a batch, counted once for each time, whatever the number of components. */
export const MAX_BATCH_SAMPLES = 100_000;

/** From the first sample of a series to its last: less than this. The length of a block in records. */
export const MAX_SERIES_SPAN_MS = 31 * DAY;

/** From the first sample of a series to the end of whichever ends last. How far back records looks for a block. */
export const MAX_SERIES_REACH_MS = 32 * DAY;

/** The most that a sample of a series, and an observation, may cover (series.proto, observation.proto). */
export const MAX_SAMPLE_DURATION_MS = 31 * DAY;
export const MAX_OBSERVATION_DURATION_MS = 366 * DAY;

/** 1900-01-01T00:00:00Z, UTC milliseconds since 1970. An earlier time is a broken clock or a sentinel. */
export const EARLIEST_TIME_MS = Date.UTC(1900, 0, 1);

/**
 * How far a time may lie after our clock. Phones and wearables are seldom more than some minutes fast; more is a
 * wrong time zone or a wrong date. Only starts are judged: the day that a step count is about may still run.
 */
export const FUTURE_SKEW_MS = 10 * MINUTE;

/** Digits after the point. */
export const MAX_SCALE = 9;

/** Batches of one stream that may wait for their answers; no more is read meanwhile. */
export const MAX_UNANSWERED_BATCHES = 16;

/** Most violations of a rejected item, fewer in large batches: an answer is a message of 1 MiB. */
export const MAX_ITEM_VIOLATIONS = 16;
export const MAX_BATCH_VIOLATIONS = 2_000;

/** Lengths, in characters (series.proto, observation.proto, vocabulary.proto). */
export const MAX_TIME_TEXT = 40;
export const MAX_UNIT = 64;
export const MAX_SYSTEM = 200;
export const MAX_CODE = 64;
export const MAX_DISPLAY = 200;
export const MAX_DEVICE_TEXT = 128;
export const MAX_TEXT_VALUE = 4_096;
export const MAX_CODE_TEXT = 512;
export const MAX_PERFORMER = 200;
export const MAX_NOTE = 2_000;
export const MAX_EXTERNAL_ID = 128;
export const MAX_RANGE_TEXT = 512;

/** Entries of lists. */
export const MAX_DICTIONARY = 256;
export const MAX_COLUMNS = 8;
export const MAX_COMPONENTS = 64;
export const MAX_CODINGS = 8;
export const MAX_NOTES = 8;
export const MAX_REFERENCE_RANGES = 8;
export const MAX_SEGMENTS = 1_000;
