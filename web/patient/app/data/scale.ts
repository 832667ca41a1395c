import { ticks } from "d3-array";

/** From values to places on a screen. */
export interface Scale {
  /** Of the lower and the upper edge. */
  readonly from: number;
  readonly to: number;
  readonly marks: readonly number[];
  /** Pixels from the top. */
  at(value: number): number;
}

/** Covers the values with a little room, by round marks. `fromZero`: what adds up is drawn as bars, which begin at zero. */
export function scaleOf(
  values: readonly number[],
  options: { readonly height: number; readonly top: number; readonly fromZero: boolean },
): Scale {
  const { height, top, fromZero } = options;
  const lowest = fromZero ? 0 : Math.min(...values);
  const highest = Math.max(...values, fromZero ? 1 : Number.NEGATIVE_INFINITY);
  const room = fromZero ? 0 : (highest - lowest || Math.abs(highest) || 1) * 0.1;
  const [low, high] = [lowest - room, highest + (fromZero ? 0 : room)];
  const inside = ticks(low, high, 4);
  const step = (inside[1] ?? high) - (inside[0] ?? low) || 1;
  const last = inside.at(-1) ?? high;
  // The highest value lies below a mark, so that its size can be read.
  const marks = last < high ? [...inside, last + step] : inside;
  const [from, to] = [low, marks.at(-1) ?? high];
  return {
    from,
    to,
    marks,
    at: (value) => top + height * (1 - (value - from) / (to - from || 1)),
  };
}
