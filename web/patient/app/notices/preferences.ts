import { Notice_Kind, type Preferences } from "@wellapi/gen/wellapi/notices/v1/notices_pb";

export type ChannelName = "email" | "push";

/** What can be switched off, as the page groups it. Emergency access is always told. */
export const kindGroups = {
  unusual: [
    Notice_Kind.FIRST_ACCESS,
    Notice_Kind.ACCESS_AT_NIGHT,
    Notice_Kind.ACCESS_AFTER_SILENCE,
    Notice_Kind.ACCESS_MUCH_MORE,
  ],
  permissions: [
    Notice_Kind.CONSENT_REQUESTED,
    Notice_Kind.CONSENT_ENDING,
    Notice_Kind.CONSENT_GRANTED,
    Notice_Kind.CONSENT_CHANGED,
    Notice_Kind.CONSENT_REVOKED,
  ],
  other: [
    Notice_Kind.DATA_RETRACTED,
    Notice_Kind.DELEGATION_ACCEPTED,
    Notice_Kind.RIGHTS_ANSWERED,
    Notice_Kind.RIGHTS_OVERDUE,
    Notice_Kind.DELETION_OVERDUE,
    Notice_Kind.DELETION_ANSWERED,
  ],
} as const;

export interface ChannelDraft {
  readonly enabled: boolean;
  /** Also kinds that this page does not know: they stay as they are. */
  readonly muted: ReadonlySet<Notice_Kind>;
}

/** The preferences, as the form has them. */
export interface Draft {
  readonly email: ChannelDraft;
  readonly push: ChannelDraft;
  readonly quiet: boolean;
  /** `22:00`, as a field for a time has it; empty: not filled in. */
  readonly quietFrom: string;
  readonly quietTo: string;
  /** `en`, `de`; empty: that of the account. */
  readonly language: string;
}

/** Where nobody has chosen any. */
const usualQuiet = { startMinute: 22 * 60, endMinute: 7 * 60 };

export function draftOf({ email, push, quietHours, language }: Preferences): Draft {
  const { startMinute, endMinute } = quietHours ?? usualQuiet;
  return {
    email: channelOf(email),
    push: channelOf(push),
    quiet: quietHours !== undefined,
    quietFrom: timeOfDay(startMinute),
    quietTo: timeOfDay(endMinute),
    language,
  };
}

function channelOf(channel: Preferences["email"]): ChannelDraft {
  return { enabled: channel?.enabled ?? false, muted: new Set(channel?.mutedKinds) };
}

export function withMuted(channel: ChannelDraft, kind: Notice_Kind, muted: boolean): ChannelDraft {
  const next = new Set(channel.muted);
  if (muted) next.add(kind);
  else next.delete(kind);
  return { ...channel, muted: next };
}

/** What is wrong with the quiet hours. */
export function quietProblem({ quiet, quietFrom, quietTo }: Draft): "incomplete" | "empty" | undefined {
  if (!quiet) return undefined;
  const [from, to] = [minuteOf(quietFrom), minuteOf(quietTo)];
  if (from === undefined || to === undefined) return "incomplete";
  return from === to ? "empty" : undefined;
}

/** What `UpdatePreferences` is told; the zone of the quiet hours stays as it is. */
export function updateOf(draft: Draft, etag: string) {
  const { email, push, quiet, quietFrom, quietTo, language } = draft;
  const channel = ({ enabled, muted }: ChannelDraft) => ({ enabled, mutedKinds: [...muted] });
  const quietHours = { startMinute: minuteOf(quietFrom) ?? 0, endMinute: minuteOf(quietTo) ?? 0 };
  return {
    preferences: {
      email: channel(email),
      push: channel(push),
      ...(quiet && { quietHours }),
      language,
      etag,
    },
    updateMask: { paths: ["email", "push", "quiet_hours", "language"] },
  };
}

/** `07:05` of minutes after midnight. */
function timeOfDay(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0")).join(":");
}

function minuteOf(time: string): number | undefined {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)/.exec(time) ?? [];
  return hours === undefined ? undefined : Number(hours) * 60 + Number(minutes);
}
