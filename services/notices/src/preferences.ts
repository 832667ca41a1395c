import { isUrgent, type NoticeKind } from "./notice.ts";
import { localTime } from "./patient-clock.ts";

export type ChannelName = "email" | "push";

export interface Channel {
  readonly enabled: boolean;
  readonly muted: readonly NoticeKind[];
}

/** Minutes after midnight by the patient's clock; an end before the start is on the next day. */
export interface QuietHours {
  readonly start: number;
  readonly end: number;
}

export interface Preferences {
  readonly email: Channel;
  readonly push: Channel;
  readonly quietHours?: QuietHours;
  /** IANA; absent: the zone of the patient's record. */
  readonly timeZone?: string;
  /** Absent: the language of the account that is told. */
  readonly language?: Language;
}

export type Language = "en" | "de";

/** Of a patient who has chosen nothing. What they did themselves a moment ago goes to the inbox alone. */
export const usualPreferences: Preferences = {
  email: { enabled: true, muted: ["consent_revoked", "data_retracted"] },
  push: { enabled: true, muted: [] },
};

/** Whether the channel tells of it. */
export function tells(preferences: Preferences, channel: ChannelName, kind: NoticeKind): boolean {
  // Identity sends that mail itself, at once, also to the privacy officers.
  if (channel === "email" && kind === "emergency_access") return false;
  if (isUrgent(kind)) return true;
  const { enabled, muted } = preferences[channel];
  return enabled && !muted.includes(kind);
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;

/**
 * When the quiet hours that hold now are over, UTC milliseconds; undefined: none hold. Where clocks change meanwhile it is off by
 * the change; whoever waits asks again.
 */
export function quietUntil(quiet: QuietHours | undefined, zone: string, now: number): number | undefined {
  if (quiet === undefined) return undefined;
  const { minute } = localTime(now, zone);
  const { start, end } = quiet;
  const holds = start < end ? minute >= start && minute < end : minute >= start || minute < end;
  if (!holds) return undefined;
  const left = (end - minute + DAY_MINUTES) % DAY_MINUTES;
  return Math.floor(now / MINUTE_MS) * MINUTE_MS + left * MINUTE_MS;
}
