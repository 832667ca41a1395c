import type { Source } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { type Output, timeText } from "./output.ts";

/** Says once of each source, beside the results, that the patient disputes some of it. JSON says it in each message. */
export function disputedNotes({ json, note }: Output): (source: Source | undefined) => void {
  const said = new Set<string>();
  return (source) => {
    if (json) return;
    for (const { startTime, endTime } of source?.disputed ?? []) {
      const text = `the patient disputes data of ${source?.organization} from ${timeText(startTime)} to before ${timeText(endTime)}`;
      if (!said.has(text)) note(text);
      said.add(text);
    }
  };
}
