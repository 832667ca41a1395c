import fc from "fast-check";
import { expect, it } from "vitest";
import type { Captured, Direction, Interval, Provision, Purpose, Resolution, Terms } from "../src/consent.ts";
import { decide } from "../src/decision.ts";
import { beyond } from "../src/requests/narrowing.ts";
import type { Method, SourceDevice } from "../src/sources.ts";
import { categories, consentOf, currentOf, type FromSource, heartRate, isFrom, steps } from "./terms.ts";

/** Few instants, so that ends meet: a property of intervals fails at their edges or nowhere. */
const instant = fc.integer({ min: 0, max: 8 });
const interval: fc.Arbitrary<Interval> = fc
  .tuple(fc.option(instant), fc.option(instant))
  .map(([a, b]): Interval => ({ ...(a !== null && { start: a }), ...(b !== null && { end: b }) }));
const devices: readonly SourceDevice[] = [
  { organization: "org_a", device: "dev_1" },
  { organization: "org_c", device: "dev_1" },
];
const permission = fc.record({
  effect: fc.constant("permit" as const),
  directions: fc.subarray<Direction>(["contribute", "read"], { minLength: 1 }),
  categories: fc.integer({ min: 1, max: 2 }).map((version) => [{ name: "heart", version }]),
  purposes: fc.subarray<Purpose>(["treatment", "research"], { minLength: 1 }),
  resolution: fc.constantFrom<Resolution>("raw", "hourly", "daily"),
  captured: fc.oneof(
    interval,
    fc.integer({ min: 1, max: 6 }).map((lastMs): Captured => ({ lastMs })),
  ),
  regions: fc.constantFrom<readonly string[]>([], ["local"], ["eu"], ["eu", "local"]),
  sources: fc.option(
    fc
      .record({
        organizations: fc.subarray(["org_a", "org_b"]),
        devices: fc.subarray([...devices]),
        methods: fc.subarray<Method>(["sensed", "clinician"]),
      })
      .filter((one) => one.organizations.length + one.devices.length + one.methods.length > 0)
      .map(({ methods, ...one }) => ({ ...one, ...(methods.length > 0 && { methods }) })),
    { nil: undefined },
  ),
}) as fc.Arbitrary<Provision>;
/** Sources are of reading alone: what says them of contributing is refused before. */
const valid = ({ sources, ...one }: Provision): Provision =>
  sources === undefined || one.directions.includes("contribute") ? one : { ...one, sources };
const asked: fc.Arbitrary<Terms> = fc.record({
  grantee: fc.constant("org_clinic"),
  provisions: fc.array(permission.map(valid), { minLength: 1, maxLength: 3 }),
  validity: interval,
});
const members = [
  "directions",
  "categories",
  "purposes",
  "resolution",
  "captured",
  "regions",
  "sources",
] as const;
/** What is chosen begins as a part of what was asked; some of its members are then others. */
const choice = fc.array(
  fc.record({
    from: fc.nat({ max: 2 }),
    other: permission,
    // One alone often: a choice that differs in several is mostly beyond for one of them.
    changed: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...members).map((name) => [name]) },
      { weight: 1, arbitrary: fc.subarray([...members], { maxLength: 3 }) },
    ),
  }),
  { minLength: 1, maxLength: 2 },
);

const within = ({ start, end }: Interval, time: number) =>
  (start === undefined || start <= time) && (end === undefined || time < end);
const order: readonly Resolution[] = ["raw", "hourly", "daily"];

/** The finest that may be used, as the one who decides says: the greater, the coarser; undefined: nothing. */
function finest(
  terms: Terms,
  at: { now: number; used: number; captured: number; source: FromSource; question: Question },
) {
  const { now, used, captured, source, question } = at;
  const decision = decide(currentOf(consentOf(terms.provisions, terms)), question, now, categories);
  const permits = decision.permitted ? decision.permits : [];
  const holding = permits.filter(
    (one) =>
      within(one.validity, used) &&
      within(one.captured, captured) &&
      isFrom(one.sources, source) &&
      (one.captured.lastMs === undefined || captured >= used - one.captured.lastMs),
  );
  return holding.length === 0
    ? undefined
    : Math.min(...holding.map(({ resolution }) => order.indexOf(resolution)));
}

type Question = Parameters<typeof decide>[1];

it("what lies within a request permits nothing that the request would not, at any instant, in any region", () => {
  const seen = { inside: 0, beyond: 0, permitted: 0 };
  const property = fc.property(
    asked,
    choice,
    fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: interval }),
    instant,
    fc.constantFrom<Direction>("contribute", "read"),
    fc.constantFrom<Purpose>("treatment", "research"),
    fc.constantFrom(heartRate, steps),
    fc.constantFrom("local", "eu"),
    fc.record({
      organization: fc.constantFrom("org_a", "org_b", "org_c"),
      device: fc.constantFrom("dev_1", ""),
      method: fc.constantFrom<Method | undefined>("sensed", "clinician", undefined),
    }),
    (terms, parts, validity, now, direction, purpose, code, region, source) => {
      const provisions = parts.map(({ from, other, changed }): Provision => {
        const base = terms.provisions[from % terms.provisions.length]!;
        return valid({ ...base, ...Object.fromEntries(changed.map((name) => [name, other[name]])) });
      });
      const chosen: Terms = { ...terms, provisions, ...(validity && { validity }) };
      if (beyond(chosen, terms, { partition: "local/pat_1", from: now }) !== undefined) {
        seen.beyond += 1;
        return;
      }
      seen.inside += 1;
      const question = {
        partition: "local/pat_1",
        organization: "org_clinic",
        direction,
        code,
        purpose,
        region,
      };
      for (let used = now; used <= 9; used += 1) {
        for (let captured = -1; captured <= 9; captured += 1) {
          const given = finest(chosen, { now, used, captured, source, question });
          if (given === undefined) continue;
          const would = finest(terms, { now, used, captured, source, question });
          if (would === undefined || would > given) {
            throw new Error(
              `${JSON.stringify({ direction, purpose, code, region, source, used, captured })} was not asked`,
            );
          }
          seen.permitted += 1;
        }
      }
    },
  );
  fc.assert(property, { numRuns: Number(process.env.MODEL_RUNS ?? 6_000) });
  // The property is of choices of both kinds, and of uses that are permitted: none of them is rare.
  expect(seen.inside).toBeGreaterThan(500);
  expect(seen.beyond).toBeGreaterThan(500);
  expect(seen.permitted).toBeGreaterThan(1_500);
});
