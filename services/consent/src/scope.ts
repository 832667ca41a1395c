import type { Interval } from "./consent.ts";

/**
 * A rectangle over two times: data captured within `captured` may be used within `validity`. UTC milliseconds,
 * half-open; an absent end is open.
 */
export interface Scope {
  readonly validity: Interval;
  readonly captured: Interval;
}

/**
 * Subtracts scopes from all times. The resulting rectangles are as large as possible, so they may overlap. Then data
 * that no denial touches stays permitted through the instant at which a denial begins or ends, whatever two clocks
 * say of that instant.
 */
export function without(taken: readonly Scope[]): Scope[] {
  let left: Scope[] = [{ validity: {}, captured: {} }];
  for (const hole of taken) {
    const whole = left.filter((one) => !meet(one, hole));
    const parts = largest(left.filter((one) => meet(one, hole)).flatMap((one) => around(one, hole)));
    left = [...whole, ...parts.filter((part) => !whole.some((one) => contains(one, part)))];
  }
  return left;
}

/** The part of a scope that lies in others; as large as possible where they are. */
export function within(scope: Scope, others: readonly Scope[]): Scope[] {
  const common = others.map(({ validity, captured }): Scope => {
    return { validity: both(scope.validity, validity), captured: both(scope.captured, captured) };
  });
  return largest(common.filter((one) => !isEmpty(one)));
}

function both(a: Interval, b: Interval): Interval {
  const [start, end] = [Math.max(startOf(a), startOf(b)), Math.min(endOf(a), endOf(b))];
  return {
    ...(start === Number.NEGATIVE_INFINITY ? {} : { start }),
    ...(end === Number.POSITIVE_INFINITY ? {} : { end }),
  };
}

function meet(a: Scope, b: Scope): boolean {
  return overlap(a.validity, b.validity) && overlap(a.captured, b.captured);
}

/** The rest of a scope around another scope, which it meets. */
function around({ validity, captured }: Scope, hole: Scope): Scope[] {
  return [
    ...outside(validity, hole.validity).map((part) => ({ validity: part, captured })),
    ...outside(captured, hole.captured).map((part) => ({ validity, captured: part })),
  ];
}

/** The parts of an interval before and after another one, which it overlaps. */
function outside(interval: Interval, hole: Interval): Interval[] {
  const parts: Interval[] = [];
  if (startOf(interval) < startOf(hole)) parts.push({ ...interval, end: startOf(hole) });
  if (endOf(hole) < endOf(interval)) parts.push({ ...interval, start: endOf(hole) });
  return parts;
}

/** The scopes that lie in no other one; of equal ones, the first. */
function largest(scopes: readonly Scope[]): Scope[] {
  return scopes.filter((scope, i) => {
    return !scopes.some(
      (other, j) => i !== j && contains(other, scope) && (j < i || !contains(scope, other)),
    );
  });
}

function contains(outer: Scope, inner: Scope): boolean {
  return spans(outer.validity, inner.validity) && spans(outer.captured, inner.captured);
}

/** Whether an interval lies within another. */
export function spans(outer: Interval, inner: Interval): boolean {
  return startOf(outer) <= startOf(inner) && endOf(inner) <= endOf(outer);
}

function overlap(a: Interval, b: Interval): boolean {
  return Math.max(startOf(a), startOf(b)) < Math.min(endOf(a), endOf(b));
}

function isEmpty({ validity, captured }: Scope): boolean {
  return !overlap(validity, validity) || !overlap(captured, captured);
}

function startOf({ start = Number.NEGATIVE_INFINITY }: Interval): number {
  return start;
}

function endOf({ end = Number.POSITIVE_INFINITY }: Interval): number {
  return end;
}
