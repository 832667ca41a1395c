import { createLocalDay, type LocalDay } from "./local-day.ts";
import { createNoise, type Noise } from "./noise.ts";

/** From one instant to another, UTC milliseconds, half-open. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

export interface Workout extends Span {
  /** 0 is rest, 1 as hard as the person can. */
  readonly effort: number;
}

export interface Meal {
  readonly timeMs: number;
  /** Of carbohydrate. */
  readonly grams: number;
}

/** Between two times on the clock on the wall, in minutes after midnight; negative: the evening before. */
export interface Times {
  readonly from: number;
  readonly to: number;
}

/** How somebody lives; `noise` is that of the day and of the question, so that answers do not depend on each other. */
export interface Habits {
  /** The sleep from which the person wakes on the day; it must end on it. */
  sleep(day: LocalDay, noise: Noise): Times;
  workouts?(day: LocalDay, noise: Noise): readonly (Times & { readonly effort: number })[];
  /** When the device lies somewhere else. */
  withoutDevice?(day: LocalDay, noise: Noise): readonly Times[];
}

/** What a person did on one of their days. */
export interface Day {
  readonly local: LocalDay;
  /** From which they woke on this day. */
  readonly sleep: Span;
  readonly workouts: readonly Workout[];
  readonly meals: readonly Meal[];
  /** For one signal of the day. */
  noise(signal: string): Noise;
  /** Whether they sleep at an instant of this day: also those who go to bed before midnight. */
  asleepAt(ms: number): boolean;
  wornAt(ms: number): boolean;
}

export interface Life {
  readonly timeZone: string;
  day(number: number): Day;
}

const mostDaysKept = 100;

/** A life is decided by `seed`, `name` and the habits: asked twice, a day is the same. */
export function createLife(seed: number, name: string, timeZone: string, habits: Habits): Life {
  // Each of a person's signals asks for the same days.
  const days = new Map<number, Day>();
  const noiseOf = (number: number, what: string) => createNoise(seed, name, number, what);
  const sleepOf = (local: LocalDay) =>
    spanOf(local, habits.sleep(local, noiseOf(local.number, "sleep times")));

  function live(number: number): Day {
    const local = createLocalDay(number, timeZone);
    const sleep = sleepOf(local);
    const nextSleep = sleepOf(createLocalDay(number + 1, timeZone));
    const workouts = habits.workouts?.(local, noiseOf(number, "workout times")) ?? [];
    const without = habits.withoutDevice?.(local, noiseOf(number, "device")) ?? [];
    const unworn = without.map((times) => spanOf(local, times));
    return {
      local,
      sleep,
      workouts: workouts.map((workout) => ({ ...spanOf(local, workout), effort: workout.effort })),
      meals: mealsAfter(sleep, noiseOf(number, "meals")),
      noise: (signal) => noiseOf(number, signal),
      asleepAt: (ms) => isIn(sleep, ms) || isIn(nextSleep, ms),
      wornAt: (ms) => !unworn.some((span) => isIn(span, ms)),
    };
  }

  return {
    timeZone,
    day(number) {
      const known = days.get(number);
      if (known !== undefined) return known;
      const day = live(number);
      if (days.size >= mostDaysKept) days.clear();
      days.set(number, day);
      return day;
    },
  };
}

/** Three meals, which follow the waking, not the clock on the wall. */
function mealsAfter({ endMs }: Span, noise: Noise): Meal[] {
  const usual = [
    { minutes: 40, grams: 45 },
    { minutes: 330, grams: 65 },
    { minutes: 720, grams: 75 },
  ];
  return usual.map(({ minutes, grams }) => ({
    timeMs: endMs + Math.round(minutes + noise.between(-25, 40)) * 60_000,
    grams: grams * noise.between(0.7, 1.3),
  }));
}

function spanOf(local: LocalDay, { from, to }: Times): Span {
  return { startMs: local.at(from), endMs: local.at(to) };
}

export function isIn({ startMs, endMs }: Span, ms: number): boolean {
  return ms >= startMs && ms < endMs;
}
