/** One row of the table. */
export interface Result {
  /** The line and its variant, for example `P1 eight streams`. */
  readonly id: string;
  /** Median over the repetitions. */
  readonly value: number;
  readonly unit: string;
  /** The bound's median in the same run and unit; null where the line names none. */
  readonly bound: number | null;
  /** Median of the pairs' value ÷ bound. */
  readonly ratio: number | null;
  /** (largest − smallest) ÷ median, of the ratios where there is a bound, else of the values. */
  readonly spread: number;
  /** The goal in words. */
  readonly goal: string;
  /** null if the row is for information and has no goal. */
  readonly met: boolean | null;
  /** What else a reader needs, each a name and a number. */
  readonly details: Readonly<Record<string, number>>;
}

/** How much to run. */
export interface Size {
  readonly quick: boolean;
  /** Repetitions that are measured, after one that is not. */
  readonly repetitions: number;
}

/** One line of issue 5's table; a line may give several rows. */
export interface Line {
  readonly name: string;
  readonly title: string;
  /** Runs only when it is named: it takes longer than all others together. */
  readonly byNameOnly?: true;
  run(size: Size): Promise<readonly Result[]>;
}

/** A run that answered wrongly is no result, however fast it was. */
export function assertRun(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new Error(`the run's own check failed: ${claim}`);
}
