/** What the files of an export have in common: plain rows, without the contracts' types. */

/** Where a value comes from, by the reader's own ids. */
export interface RowSource {
  readonly organization: string;
  readonly device: string;
  readonly deviceModel: string;
  readonly method: string;
  readonly granularity: string;
}

/** One sample of a series, or one component of it. */
export interface SampleRow extends RowSource {
  readonly code: string;
  readonly display: string;
  /** Code of the component; empty where there is one value. */
  readonly component: string;
  /** UTC milliseconds. */
  readonly startMs: number;
  /** The first instant that it is not about any more; the start itself for an instant. */
  readonly endMs: number;
  /** Minutes east of UTC at capture. */
  readonly offsetMinutes: number;
  /** The number with the digits that were sent, or the code of a coded value. */
  readonly value: string;
  /** Whether `value` is a number. */
  readonly numeric: boolean;
  /** UCUM. */
  readonly unit: string;
}

/** One observation. */
export interface ObservationRow extends RowSource {
  readonly id: string;
  readonly code: string;
  readonly display: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly offsetMinutes: number;
  readonly value: string;
  readonly unit: string;
  /** `code=value unit`, separated by semicolons. */
  readonly components: string;
  readonly status: string;
  readonly notes: string;
  readonly receivedMs: number;
}

/** ISO 8601 with the offset at capture: `2026-04-12T08:00:00.000+02:00`. */
export function timeText(ms: number, offsetMinutes: number): string {
  if (offsetMinutes === 0) return new Date(ms).toISOString();
  const local = new Date(ms + offsetMinutes * 60_000).toISOString().slice(0, -1);
  const minutes = Math.abs(offsetMinutes);
  const two = (number: number) => String(number).padStart(2, "0");
  const sign = offsetMinutes < 0 ? "-" : "+";
  return `${local}${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
