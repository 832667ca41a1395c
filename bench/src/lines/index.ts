import type { Line } from "../result.ts";
import { streamSeries } from "./p01-stream-series.ts";
import { streamObservations } from "./p02-stream-observations.ts";

/** In the table's order. */
export const lines: readonly Line[] = [streamSeries, streamObservations];
