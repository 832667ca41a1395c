import type { StoredObservation } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { type Coding, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { msOf, timestampOf } from "../api/time.ts";
import { type Place, usePlace } from "../context.ts";
import { Waited } from "../parts/notice.tsx";
import type { Period } from "./period.ts";
import { recordsOf } from "./series.ts";
import { amountText, durationText } from "./summary-text.ts";

/** What is no series of numbers: one line each, the newest first. */
export function ObservationList({ code, period }: { readonly code: Coding; readonly period: Period }) {
  const place = usePlace();
  const { words, formats, record } = place;
  const loaded = useLoaded(
    async (signal) => {
      const asked = {
        patient: record.patient,
        code: { system: code.system, code: code.code },
        purpose: Purpose.PATIENT_REQUEST,
        interval: { startTime: timestampOf(period.start), endTime: timestampOf(period.end) },
        pageSize: 200,
      };
      return (await recordsOf(record).listObservations(asked, { signal })).observations;
    },
    [record, code, period.kind, period.start],
  );
  return (
    <Waited loaded={loaded}>
      {(observations) =>
        observations.length === 0 ? (
          <p class="quiet">{words.data.noneInPeriod}</p>
        ) : (
          <ol class="timeline">
            {observations.map((one) => (
              <li key={one.id}>
                <p>{observationText(one, place)}</p>
                <p class="quiet small">{formats.moment(effectiveMs(one))}</p>
              </li>
            ))}
          </ol>
        )
      }
    </Waited>
  );
}

function effectiveMs({ observation }: StoredObservation): number {
  const effective = observation?.effective;
  return effective?.case === "effectiveTime" ? msOf(effective.value) : 0;
}

/** The value as a reader says it. */
export function observationText({ observation }: StoredObservation, { words, formats }: Place): string {
  const { data } = words;
  const value = observation?.value;
  switch (value?.case) {
    case "text":
      return value.value;
    case "boolean":
      return value.value ? data.yes : data.no;
    case "integer":
      return formats.number(Number(value.value));
    case "quantity":
      return amountText(words, formats, {
        value: Number(value.value.value),
        unit: value.value.unit,
        digits: 2,
      });
    case "coded":
      return data.stages[value.value.code] ?? (value.value.display || value.value.code);
    default:
      return durationText(data, formats, Number(observation?.durationMs ?? 0n));
  }
}
