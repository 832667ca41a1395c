import type { NoticeKind } from "./notice.ts";

/** What is known of how one organization reads of one patient. */
export interface Habit {
  /** Latest read, UTC milliseconds. */
  readonly lastTime: number;
  /** The days of the last four weeks with reads, oldest first. */
  readonly days: readonly HabitDay[];
}

export interface HabitDay {
  /** The patient's day, `2026-11-27`. */
  readonly day: string;
  /** At least so many reads in each of its hours, by the hour of UTC since 1970. */
  readonly hours: Readonly<Record<string, number>>;
  /** Whether one of them was at night. */
  readonly night: boolean;
}

/** A read, or that there were more of them. */
export interface Read {
  /** UTC milliseconds. */
  readonly time: number;
  /** At least so many in this hour of UTC. */
  readonly reads: number;
  /** By the patient's clock. */
  readonly day: string;
  readonly hour: number;
}

export type Unusual = Extract<
  NoticeKind,
  "first_access" | "access_at_night" | "access_after_silence" | "access_much_more"
>;

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const KEPT_DAYS = 28;
const SILENCE_MS = 90 * DAY_MS;
/** By the patient's clock: from midnight on, and before five. */
const NIGHT_ENDS = 5;
/** Fewer reads a day are nobody's alarm. */
const MUCH = 64;
const MUCH_MORE = 4;
/** Of fewer days nobody knows what is usual. */
const KNOWN_DAYS = 3;

/**
 * What is unusual about a read, and the habit with it. Of several things that are true the first is told: first access, after long
 * silence, at night, much more than usual. A habit tells the same of one day once.
 */
export function judge(
  habit: Habit | undefined,
  read: Read,
): { readonly unusual: Unusual | undefined; readonly habit: Habit } {
  return { unusual: unusualOf(habit, read), habit: withRead(habit, read) };
}

function unusualOf(habit: Habit | undefined, read: Read): Unusual | undefined {
  if (habit === undefined) return "first_access";
  // An event that comes late says nothing of silence.
  if (read.time - habit.lastTime >= SILENCE_MS) return "access_after_silence";
  const recent = habit.days.filter(({ day }) => isRecent(day, read.day));
  const before = recent.filter(({ day }) => day < read.day);
  if (isNight(read) && !recent.some(({ night }) => night)) return "access_at_night";
  const today = recent.find(({ day }) => day === read.day);
  const known = readsOf(today);
  const now = readsOf(withHour(today, read));
  const usual = Math.max(0, ...before.map(readsOf));
  const isMuch = (reads: number) => reads >= MUCH && reads >= MUCH_MORE * usual;
  return before.length >= KNOWN_DAYS && isMuch(now) && !isMuch(known) ? "access_much_more" : undefined;
}

function withRead(habit: Habit | undefined, read: Read): Habit {
  const days = habit?.days ?? [];
  const next = withHour(
    days.find(({ day }) => day === read.day),
    read,
  );
  const kept = days.filter(({ day }) => day !== read.day && isRecent(day, read.day));
  return {
    lastTime: Math.max(habit?.lastTime ?? 0, read.time),
    days: [...kept, next].sort((a, b) => (a.day < b.day ? -1 : 1)),
  };
}

function withHour(today: HabitDay | undefined, read: Read): HabitDay {
  const hour = String(Math.floor(read.time / HOUR_MS));
  const hours = today?.hours ?? {};
  return {
    day: read.day,
    hours: { ...hours, [hour]: Math.max(hours[hour] ?? 0, read.reads) },
    night: (today?.night ?? false) || isNight(read),
  };
}

function readsOf(day: HabitDay | undefined): number {
  return Object.values(day?.hours ?? {}).reduce((sum, reads) => sum + reads, 0);
}

function isNight({ hour }: Pick<Read, "hour">): boolean {
  return hour < NIGHT_ENDS;
}

function isRecent(day: string, than: string): boolean {
  return Date.parse(than) - Date.parse(day) <= KEPT_DAYS * DAY_MS;
}
