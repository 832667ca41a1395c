import type { Habits } from "./life.ts";
import {
  glucose,
  heartRate,
  oxygen,
  restingHeartRate,
  type Signal,
  sleepTime,
  steps,
  weight,
} from "./signals.ts";

export const personNames = ["runner", "diabetic", "elder", "shift-worker", "revoker", "erased"] as const;
export type PersonName = (typeof personNames)[number];

/** What class of length the values of a series have. */
export type Granularity = "quarter-hour" | "episode";

export interface SignalOf {
  /** LOINC. */
  readonly code: string;
  /** UCUM. */
  readonly unit: string;
  /** What measured it. */
  readonly device: "wearable" | "scale" | "glucose monitor" | "oximeter";
  /** Absent: values of an instant. */
  readonly granularity?: Granularity;
  readonly signal: Signal;
}

export interface Portrait {
  readonly displayName: string;
  /** IANA. */
  readonly timeZone: string;
  readonly habits: Habits;
  readonly signals: readonly SignalOf[];
}

const everyDay = [1, 2, 3, 4, 5, 6, 7];
const [minuteMs, fiveMinutesMs] = [60_000, 300_000];

/** From 22:30 or so to 6:40 or so, later at the week's end. */
const ordinarySleep: Habits["sleep"] = ({ weekday }, noise) => {
  const late = weekday >= 6 ? 60 : 0;
  return { from: -80 + late + noise.between(-30, 40), to: 400 + late + noise.between(-25, 35) };
};

function worn(body: Parameters<typeof heartRate>[0], brisk: number): SignalOf[] {
  const device = "wearable";
  const night = { unit: "min", device, granularity: "episode" } as const;
  return [
    { code: "8867-4", unit: "/min", device, signal: heartRate(body) },
    { code: "40443-4", unit: "/min", device, signal: restingHeartRate(body.resting) },
    { code: "55423-8", unit: "{steps}", device, granularity: "quarter-hour", signal: steps(brisk) },
    { code: "93832-4", ...night, signal: sleepTime("asleep") },
    { code: "93831-6", ...night, signal: sleepTime("deep") },
    { code: "93829-0", ...night, signal: sleepTime("rem") },
  ];
}

function weighed(kilograms: number, days: readonly number[] = everyDay): SignalOf {
  return { code: "29463-7", unit: "kg", device: "scale", signal: weight(kilograms, days) };
}

const runner: Portrait = {
  displayName: "Sandbox runner",
  timeZone: "America/New_York",
  habits: {
    sleep: ordinarySleep,
    workouts({ weekday }, noise) {
      const from = 18 * 60 + noise.between(-40, 60);
      if (weekday === 7) return [{ from: 570, to: 570 + noise.between(100, 140), effort: 0.72 }];
      if (weekday % 2 === 0)
        return [{ from, to: from + noise.between(35, 60), effort: noise.between(0.7, 0.9) }];
      return [];
    },
  },
  signals: [...worn({ resting: 47, highest: 186, everyMs: minuteMs }, 1.2), weighed(64.5)],
};

const diabetic: Portrait = {
  displayName: "Sandbox diabetic",
  timeZone: "Europe/London",
  habits: {
    sleep: ordinarySleep,
    workouts: ({ weekday }) =>
      weekday === 3 || weekday === 6 ? [{ from: 1_020, to: 1_065, effort: 0.45 }] : [],
  },
  signals: [
    ...worn({ resting: 66, highest: 172, everyMs: fiveMinutesMs }, 0.9),
    { code: "15074-8", unit: "mmol/L", device: "glucose monitor", signal: glucose },
    weighed(78.2, [1, 4]),
  ],
};

/** Takes the device off each day, sometimes for half of it, and now and then does not put it on at all. */
const elder: Portrait = {
  displayName: "Sandbox elder",
  timeZone: "Europe/Vienna",
  habits: {
    sleep: (_day, noise) => ({ from: -150 + noise.between(-30, 30), to: 320 + noise.between(-40, 40) }),
    withoutDevice(_day, noise) {
      if (noise.uniform() < 0.14) return [{ from: 0, to: 1_440 }];
      const from = noise.between(360, 1_000);
      return [
        { from, to: from + (noise.uniform() < 0.35 ? noise.between(240, 600) : noise.between(120, 150)) },
      ];
    },
  },
  signals: [
    ...worn({ resting: 71, highest: 138, everyMs: fiveMinutesMs }, 0.35),
    { code: "59408-5", unit: "%", device: "oximeter", signal: oxygen(95) },
    weighed(69.8, [1]),
  ],
};

/** Early, late and night shifts, a week each. Who sleeps while the clocks are changed sleeps an hour less or more than they show. */
const shiftWorker: Portrait = {
  displayName: "Sandbox shift worker",
  timeZone: "Europe/Berlin",
  habits: {
    sleep({ number }, noise) {
      // 1 January 1970 was a Thursday: weeks of shifts begin on Mondays.
      const shift = Math.floor((number + 3) / 7) % 3;
      const slept = [
        { from: -150, to: 285 },
        { from: 30, to: 525 },
        { from: 450, to: 870 },
      ][shift]!;
      return { from: slept.from + noise.between(-20, 30), to: slept.to + noise.between(-20, 20) };
    },
  },
  signals: [...worn({ resting: 61, highest: 178, everyMs: minuteMs }, 1.1), weighed(83.4, [1, 5])],
};

const revoker: Portrait = {
  displayName: "Sandbox revoker",
  timeZone: "UTC",
  habits: { sleep: ordinarySleep },
  signals: worn({ resting: 63, highest: 180, everyMs: fiveMinutesMs }, 1),
};

const erased: Portrait = {
  displayName: "Sandbox erased",
  timeZone: "Asia/Kolkata",
  habits: { sleep: ordinarySleep },
  signals: worn({ resting: 68, highest: 176, everyMs: fiveMinutesMs }, 0.8),
};

export const portraits: Readonly<Record<PersonName, Portrait>> = {
  runner,
  diabetic,
  elder,
  "shift-worker": shiftWorker,
  revoker,
  erased,
};
