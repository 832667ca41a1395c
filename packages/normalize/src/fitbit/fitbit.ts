import { unknownDocument, type Vendor } from "../vendor.ts";
import { readActivitySummary } from "./activity-summary.ts";
import { readBody } from "./body.ts";
import mapping from "./mapping.json" with { type: "json" };
import { readSleep } from "./sleep.ts";
import { readTimeSeries } from "./time-series.ts";

/** What the Fitbit Web API answers. Its times are local, its units metric. */
export const fitbit: Vendor = {
  name: "fitbit",
  read(document, reader) {
    const root = reader.root(document);
    const series = Object.entries(mapping.timeSeries).filter(([name]) => root.has(name));
    if (series.length > 0) for (const [name, target] of series) readTimeSeries(root, name, target, reader);
    else if (root.has("weight") || root.has("fat")) readBody(root, reader);
    else if (root.has("sleep")) readSleep(root, reader);
    else if (root.has("summary") && root.has("activities")) readActivitySummary(root, reader);
    else throw unknownDocument("a day's activity summary, activities-steps and its like, weight, or sleep");
    root.close();
  },
};
