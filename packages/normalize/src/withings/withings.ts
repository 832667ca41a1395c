import { NormalizeError } from "../errors.ts";
import { unknownDocument, type Vendor } from "../vendor.ts";
import { readActivities } from "./activities.ts";
import { readMeasures } from "./measures.ts";
import { readSleepStates } from "./sleep-states.ts";

/** What the Withings API answers: a status, and a body. */
export const withings: Vendor = {
  name: "withings",
  read(document, reader) {
    const root = reader.root(document);
    const status = root.digits("status");
    if (status !== undefined && status !== "0") {
      const description = "is an answer in which Withings reports an error: ask Withings again";
      throw new NormalizeError("document", "document.status", "VENDOR_ERROR", description);
    }
    const body = root.object("body");
    if (body?.has("measuregrps")) readMeasures(body, reader);
    else if (body?.has("activities")) readActivities(body, reader);
    else if (body?.has("series")) readSleepStates(body, reader);
    else throw unknownDocument("a body with measuregrps, activities, or a series of sleep");
    body.leave("more follows: fetch it, too", "more", "offset");
    body.close();
    root.close();
  },
};
