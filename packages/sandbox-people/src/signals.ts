import { type Day, isIn, type Life, type Span, type Workout } from "./life.ts";
import type { Noise } from "./noise.ts";

/** One value as a device measured it, exact: mantissa × 10^−scale. */
export interface Reading {
  /** UTC milliseconds. */
  readonly timeMs: number;
  /** Length of what the value is about, from `timeMs` on; 0: an instant. */
  readonly durationMs: number;
  /** Minutes east of UTC. */
  readonly offsetMinutes: number;
  readonly mantissa: number;
  readonly scale: number;
}

/** The readings of one day, in ascending order of time. Each belongs to one day. */
export type Signal = (day: Day, life: Life) => Generator<Reading>;

const minuteMs = 60_000;
const quarterMs = 15 * minuteMs;

function reading({ local }: Day, timeMs: number, value: number, scale = 0, durationMs = 0): Reading {
  return {
    timeMs,
    durationMs,
    offsetMinutes: local.offsetAt(timeMs),
    mantissa: Math.round(value * 10 ** scale),
    scale,
  };
}

function* instants({ local }: Day, everyMs: number): Generator<number> {
  for (let ms = local.startMs; ms < local.endMs; ms += everyMs) yield ms;
}

/** Wanders about 0 and comes back: what the next value owes to the last one. `spread` is its standard deviation. */
function createWandering(noise: Noise, spread: number, memory: number): () => number {
  let value = 0;
  const step = spread * Math.sqrt(1 - memory ** 2);
  return () => {
    value = memory * value + step * noise.normal();
    return value;
  };
}

/** LOINC 8867-4, /min: lower asleep, highest in the afternoon, up within minutes of a workout's start, down more slowly. */
export function heartRate(body: {
  readonly resting: number;
  readonly highest: number;
  readonly everyMs: number;
}): Signal {
  const { resting, highest, everyMs } = body;
  return function* (day) {
    const wander = createWandering(day.noise("heart rate"), 4, 0.9 ** (everyMs / minuteMs));
    for (const ms of instants(day, everyMs)) {
      const wandering = wander();
      if (!day.wornAt(ms)) continue;
      const usual = day.asleepAt(ms) ? resting - 2 + wandering / 2 : awake(day, ms, resting) + wandering;
      const pulse = usual + (highest - usual) * exertionAt(day.workouts, ms);
      yield reading(day, ms, Math.min(highest, Math.max(32, pulse)));
    }
  };
}

function awake({ local }: Day, ms: number, resting: number): number {
  const hour = (((ms / minuteMs + local.offsetAt(ms)) % 1_440) + 1_440) / 60;
  return resting + 16 + 5 * Math.cos((2 * Math.PI * (hour - 16)) / 24);
}

/** 0 to 1: rises with a time constant of two minutes, falls with one of seven. */
function exertionAt(workouts: readonly Workout[], ms: number): number {
  const each = workouts.map(({ startMs, endMs, effort }) => {
    if (ms < startMs) return 0;
    const reached = effort * (1 - Math.exp(-(Math.min(ms, endMs) - startMs) / (2 * minuteMs)));
    return ms < endMs ? reached : reached * Math.exp(-(ms - endMs) / (7 * minuteMs));
  });
  return Math.max(0, ...each);
}

/** LOINC 40443-4, /min: once a day, after waking. */
export function restingHeartRate(resting: number): Signal {
  return function* (day) {
    const { endMs } = day.sleep;
    if (day.wornAt(endMs)) yield reading(day, endMs, resting + 1.5 * day.noise("resting").normal());
  };
}

/** LOINC 55423-8, steps of a quarter of an hour. Nothing is said of quarters without a step. `brisk`: 1 is usual. */
export function steps(brisk: number): Signal {
  return function* (day) {
    const noise = day.noise("steps");
    for (const ms of instants(day, quarterMs)) {
      const walks = noise.uniform() < 0.3;
      const walked = brisk * (walks ? noise.between(150, 900) : Math.max(0, noise.between(-80, 60)));
      const ran = day.workouts.reduce((sum, workout) => sum + strides(workout, ms), 0);
      const still = day.asleepAt(ms) || !day.wornAt(ms);
      const count = still ? 0 : Math.round(ran > 0 ? ran : walked);
      if (count > 0) yield reading(day, ms, count, 0, quarterMs);
    }
  };
}

function strides({ startMs, endMs, effort }: Workout, quarterStartMs: number): number {
  const overlapMs = Math.min(endMs, quarterStartMs + quarterMs) - Math.max(startMs, quarterStartMs);
  return (Math.max(0, overlapMs) / minuteMs) * (120 + 55 * effort);
}

/** LOINC 93832-4 (asleep), 93831-6 (deep), 93829-0 (REM), min: a value a night, over the real time from falling asleep to waking. */
export function sleepTime(part: "asleep" | "deep" | "rem"): Signal {
  return function* (day) {
    const { local, sleep } = day;
    const { startMs, endMs } = sleep;
    if (!day.wornAt(endMs - 1)) return;
    const noise = day.noise("sleep");
    const asleep = ((endMs - startMs) / minuteMs) * noise.between(0.86, 0.96);
    const shares = { asleep: 1, deep: noise.between(0.13, 0.21), rem: noise.between(0.18, 0.25) };
    const value = reading(day, endMs, asleep * shares[part], 0, endMs - startMs);
    // Clocks change after midnight: what begins before it has the offset of the day's first instant.
    yield { ...value, timeMs: startMs, offsetMinutes: local.offsetAt(Math.max(startMs, local.startMs)) };
  };
}

/** LOINC 29463-7, kg: soon after waking, on `days` (1 is Monday). */
export function weight(kilograms: number, days: readonly number[]): Signal {
  return function* (day) {
    const { local, sleep } = day;
    const timeMs = sleep.endMs + 10 * minuteMs;
    if (!days.includes(local.weekday) || timeMs >= local.endMs) return;
    const season = 0.8 * Math.sin((2 * Math.PI * local.number) / 90);
    yield reading(day, timeMs, kilograms + season + 0.35 * day.noise("weight").normal(), 1);
  };
}

/** LOINC 59408-5, %: by a finger clip, in the morning and in the evening. */
export function oxygen(usual: number): Signal {
  return function* (day) {
    const noise = day.noise("oxygen");
    for (const timeMs of [day.sleep.endMs + 30 * minuteMs, day.local.at(20 * 60)]) {
      yield reading(day, timeMs, Math.min(100, usual + noise.normal()));
    }
  };
}

const sensorLifeDays = 10;
const warmUpMs = 120 * minuteMs;

/**
 * LOINC 15074-8, mmol/L: a continuous monitor, every five minutes. It peaks about an hour after a meal, falls with a workout,
 * and is silent for two hours after a new sensor.
 */
export const glucose: Signal = function* (day, life) {
  const wander = createWandering(day.noise("glucose"), 0.5, 0.95);
  const { local, workouts } = day;
  const meals = [...life.day(local.number - 1).meals, ...day.meals];
  const sensor = sensorChange(day);
  for (const ms of instants(day, 5 * minuteMs)) {
    const wandering = wander();
    if (sensor !== undefined && isIn(sensor, ms)) continue;
    const eaten = meals.reduce((sum, { timeMs, grams }) => sum + 0.075 * grams * risen(ms - timeMs), 0);
    const moved = 2.5 * exertionAt(workouts, ms);
    const value = 6.1 + eaten - moved + wandering;
    yield reading(day, ms, Math.min(20, Math.max(2.6, value)), 1);
  }
};

/** 0 at the meal, 1 after an hour, then slowly back. */
function risen(sinceMs: number): number {
  if (sinceMs <= 0) return 0;
  const hours = sinceMs / (60 * minuteMs);
  return hours * Math.exp(1 - hours);
}

function sensorChange({ local }: Day): Span | undefined {
  if (local.number % sensorLifeDays !== 0) return undefined;
  const startMs = local.at(10 * 60);
  return { startMs, endMs: startMs + warmUpMs };
}
