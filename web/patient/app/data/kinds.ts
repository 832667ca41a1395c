/** What the pages know of a kind of data: where it belongs, and how it is drawn. */
export interface Kind {
  /** Undefined for a code that this page does not know: an installation may have added it to any category. */
  readonly category: string | undefined;
  /**
   * `line`: the mean with its range. `sum`: what adds up over time. `latest`: seldom measured, point by point. `pressure`: two values
   * together. `stages`: coded, by how long each held. `list`: no chart.
   */
  readonly chart: "line" | "sum" | "latest" | "pressure" | "stages" | "list";
  /** Digits after the point that mean something to a reader. */
  readonly digits: number;
}

const kind = (category: string | undefined, chart: Kind["chart"], digits = 0): Kind => ({
  category,
  chart,
  digits,
});

/** By code, the categories as `packages/terminology` has them. */
export const kinds: Readonly<Record<string, Kind>> = {
  "8867-4": kind("heart", "line"),
  "40443-4": kind("heart", "latest"),
  "80404-7": kind("heart", "line"),
  "55423-8": kind("activity", "sum"),
  "41950-7": kind("activity", "latest"),
  "41981-2": kind("activity", "sum"),
  "55430-3": kind("activity", "sum"),
  "93832-4": kind("sleep", "sum"),
  "93831-6": kind("sleep", "sum"),
  "93830-8": kind("sleep", "sum"),
  "93829-0": kind("sleep", "sum"),
  "sleep-stage": kind("sleep", "stages"),
  "sleep-session": kind("sleep", "list"),
  workout: kind("activity", "list"),
  "29463-7": kind("body", "latest", 1),
  "8302-2": kind("body", "latest"),
  "39156-5": kind("body", "latest", 1),
  "41982-0": kind("body", "latest", 1),
  "2339-0": kind("glucose", "line"),
  "15074-8": kind("glucose", "line", 1),
  "85354-9": kind("blood_pressure", "pressure"),
  "59408-5": kind("respiratory", "line", 1),
  "9279-1": kind("respiratory", "line", 1),
  "8310-5": kind("temperature", "line", 1),
  "wellbeing-score": kind("wellbeing", "latest"),
  "feels-ill": kind("wellbeing", "list"),
  "wellbeing-note": kind("wellbeing", "list"),
};

const unknown = kind(undefined, "line", 2);

/** Of a code of LOINC or of our own; what an installation has added is drawn as a line. */
export function kindOf(code: string): Kind {
  return Object.hasOwn(kinds, code) ? kinds[code]! : unknown;
}
