import type { Size } from "./result.ts";
import { median, spread } from "./statistics.ts";

/** One repetition: a rate or a time, and whatever else it measured. */
export interface Measurement {
  readonly value: number;
  readonly details?: Readonly<Record<string, number>>;
}

/** Product and bound of the same repetitions. */
export interface Comparison {
  readonly value: number;
  readonly bound: number;
  readonly ratio: number;
  readonly spread: number;
  /** Medians of the product's details. */
  readonly details: Readonly<Record<string, number>>;
  /** Medians of the bound's details. */
  readonly boundDetails: Readonly<Record<string, number>>;
}

/**
 * Runs product and bound in turns, one unmeasured pair first (but where it is to be quick). `mark` is called where what is measured
 * begins and where it ends. Neighbours share the machine's noise, so the ratio is taken of each pair, not of the medians.
 */
export async function compare(
  { quick, repetitions }: Size,
  product: (repetition: number) => Promise<Measurement>,
  bound: (repetition: number) => Promise<Measurement>,
  mark: () => void = () => {},
): Promise<Comparison> {
  const pairs: { product: Measurement; bound: Measurement }[] = [];
  if (quick) mark();
  for (let repetition = quick ? 1 : 0; repetition <= repetitions; repetition++) {
    const pair = { product: await product(repetition), bound: await bound(repetition) };
    if (repetition > 0) pairs.push(pair);
    else mark();
  }
  mark();
  const ratios = pairs.map((pair) => pair.product.value / pair.bound.value);
  return {
    value: median(pairs.map((pair) => pair.product.value)),
    bound: median(pairs.map((pair) => pair.bound.value)),
    ratio: median(ratios),
    spread: spread(ratios),
    details: mediansOf(pairs.map((pair) => pair.product.details ?? {})),
    boundDetails: mediansOf(pairs.map((pair) => pair.bound.details ?? {})),
  };
}

/** Repeats what has no bound, one unmeasured repetition first, but where it is to be quick. */
export async function repeat(
  { quick, repetitions }: Size,
  product: (repetition: number) => Promise<Measurement>,
): Promise<{ value: number; spread: number; details: Readonly<Record<string, number>> }> {
  const runs: Measurement[] = [];
  for (let repetition = quick ? 1 : 0; repetition <= repetitions; repetition++) {
    const run = await product(repetition);
    if (repetition > 0) runs.push(run);
  }
  const values = runs.map(({ value }) => value);
  return {
    value: median(values),
    spread: spread(values),
    details: mediansOf(runs.map(({ details }) => details ?? {})),
  };
}

/** For what takes too short a time to be measured once: the seconds of so many runs, one after another. */
export async function secondsOf(
  times: number,
  once: () => Promise<{ readonly seconds: number }>,
): Promise<number> {
  let total = 0;
  for (let time = 0; time < times; time++) total += (await once()).seconds;
  return total;
}

function mediansOf(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const names = Object.keys(all[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(all.map((one) => one[name]!))]));
}
