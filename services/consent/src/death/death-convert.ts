import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type DeathReportSchema,
  DeathReport_State as State,
} from "@wellapi/gen/wellapi/consent/v1/death_service_pb";
import { ConsentError } from "../errors.ts";
import { type DeathReport, type DeathState, lastDecision, stateOf } from "./death.ts";

const states: Readonly<Record<DeathState, State>> = {
  reported: State.REPORTED,
  confirmed: State.CONFIRMED,
  dismissed: State.DISMISSED,
  undone: State.UNDONE,
};

/** As one reader sees it. */
export interface ReportReader {
  /** The patient's id for the reader. */
  readonly patient: string;
  /** Whether the reader is a privacy officer, whose notes are not for others. */
  readonly decides: boolean;
}

export function deathMessage(
  report: DeathReport,
  { patient, decides }: ReportReader,
): MessageInitShape<typeof DeathReportSchema> {
  const { id, organization, reporter, dateOfDeath, grounds, createTime, decisions } = report;
  const last = lastDecision(report);
  const notes = decisions.map(({ note }) => note).filter((note) => note !== "");
  return {
    id,
    patient,
    organization,
    reporter,
    dateOfDeath,
    grounds,
    state: states[stateOf(report)],
    createTime: timestampFromMs(createTime),
    ...(last && { decideTime: timestampFromMs(last.time) }),
    note: decides ? notes.join("\n") : "",
  };
}

const DAY = 86_400_000;

/** Throws `invalid` unless it is a day of the calendar that has begun somewhere on Earth. */
export function checkDateOfDeath(date: string, now: number): void {
  const time = Date.parse(`${date}T00:00:00Z`);
  const real = Number.isFinite(time) && new Date(time).toISOString().startsWith(date);
  if (real && time <= now + DAY) return;
  const description = real ? "lies in the future" : "is no date: write it as 2026-03-31";
  const violation = { field: "date_of_death", description, reason: "INVALID_FIELD" };
  throw new ConsentError("invalid", { violations: [violation] });
}
