import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Fields } from "../fields.ts";
import { pathOf, quantityOf } from "../quantity.ts";
import type { Reader } from "../reader.ts";
import mapping from "./mapping.json" with { type: "json" };

/** Sums of days. */
export function readActivities(body: Fields, reader: Reader): void {
  for (const activity of body.objects("activities") ?? []) {
    const date = activity.text("date");
    const day =
      date === undefined ? undefined : reader.day(pathOf(activity, "date"), date, activity.text("timezone"));
    if (date === undefined) reader.refuse(activity.path, "TIME_REQUIRED", "its date is missing");
    for (const [name, target] of Object.entries(mapping.activity)) {
      const quantity = quantityOf(activity, name, target, reader);
      if (quantity === undefined || day === undefined) continue;
      reader.point({
        path: pathOf(activity, name),
        value: { kind: "quantity", ...quantity },
        ...day,
        granularity: Granularity.DAY,
        method: CaptureMethod.SENSED,
      });
    }
    activity.known("timezone");
    activity.leave("no code here for a height that was climbed", "elevation");
    activity.leave(
      "time by Withings' own classes of activity has no code here",
      "soft",
      "moderate",
      "intense",
      "active",
    );
    activity.leave(
      "energy at rest and active together; calories, the active ones, are taken",
      "totalcalories",
    );
    activity.close();
  }
}
