import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createPerson, type PersonName, personNames, type Series } from "../src/index.ts";

const hour = 3_600_000;
const at = (text: string) => Date.parse(text);

function seriesOf(name: PersonName, code: string, seed = 1): Series {
  return createPerson(name, seed).series.find((one) => one.code === code)!;
}

/** Of the days about the change to summer time, in all of their series. */
function digestOf(name: PersonName, seed: number): string {
  const hash = createHash("sha256");
  for (const { code, readings } of createPerson(name, seed).series) {
    for (const reading of readings(at("2026-03-27T00:00Z"), at("2026-03-31T00:00Z")))
      hash.update(`${code} ${Object.values(reading).join(" ")}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}

test("a seed gives the same people everywhere and for ever, and another seed gives others", () => {
  expect(Object.fromEntries(personNames.map((name) => [name, digestOf(name, 1)]))).toMatchInlineSnapshot(`
    {
      "diabetic": "068f9dbf290ed99c",
      "elder": "ee85c295ddf523b1",
      "erased": "6e31da62849d750b",
      "revoker": "484661ef71778ea2",
      "runner": "7227a117b8e33576",
      "shift-worker": "626316915bb27745",
    }
  `);
  expect(digestOf("runner", 2)).not.toBe(digestOf("runner", 1));
});

test("what devices have by one instant and by the next neither overlaps nor leaves out anything", () => {
  const from = at("2026-03-28T00:00Z");
  const time = fc.integer({ min: 0, max: 36 * hour }).map((ms) => from + ms);
  const any = fc.constantFrom(...personNames.flatMap((name) => createPerson(name, 1).series));
  const property = fc.property(any, fc.uniqueArray(time, { minLength: 3, maxLength: 3 }), (series, times) => {
    const [first, middle, last] = times.sort((a, b) => a - b) as [number, number, number];
    const text = (fromMs: number, toMs: number) =>
      Array.from(series.readings(fromMs, toMs), (one) => JSON.stringify(one));
    expect([...text(first, middle), ...text(middle, last)].join("\n")).toBe(text(first, last).join("\n"));
  });
  fc.assert(property, { numRuns: 12 });
});

test("the shift worker's day has 23 hours where summer time begins, and a night across it an hour less", () => {
  const heart = seriesOf("shift-worker", "8867-4");
  const readings = [...heart.readings(at("2026-03-28T23:00Z"), at("2026-03-29T22:00Z"))];
  expect(readings).toHaveLength(23 * 60);
  expect(readings.map(({ offsetMinutes }) => offsetMinutes).filter((offset) => offset === 60)).toHaveLength(
    120,
  );
  const nights = [
    ...seriesOf("shift-worker", "93832-4").readings(at("2026-03-29T00:00Z"), at("2026-03-30T00:00Z")),
  ];
  const [{ timeMs, durationMs, offsetMinutes }] = nights as [(typeof nights)[0]];
  expect(timeMs).toBeLessThan(at("2026-03-29T01:00Z"));
  expect(timeMs + durationMs).toBeGreaterThan(at("2026-03-29T01:00Z"));
  expect(offsetMinutes).toBe(60);
});

test("a heart beats slowest asleep, and the runner's fastest on a run", () => {
  const day = [...seriesOf("runner", "8867-4").readings(at("2026-04-14T04:00Z"), at("2026-04-15T04:00Z"))];
  const mean = (from: string, to: string) => {
    const values = day
      .filter(({ timeMs }) => timeMs >= at(from) && timeMs < at(to))
      .map(({ mantissa }) => mantissa);
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const [night, noon] = [
    mean("2026-04-14T05:30Z", "2026-04-14T09:30Z"),
    mean("2026-04-14T15:00Z", "2026-04-14T19:00Z"),
  ];
  expect(night).toBeLessThan(noon - 8);
  expect(Math.max(...day.map(({ mantissa }) => mantissa))).toBeGreaterThan(noon + 60);
});

test("glucose rises after meals, and the monitor is silent after a new sensor", () => {
  const values = [
    ...seriesOf("diabetic", "15074-8").readings(at("2026-04-01T00:00Z"), at("2026-04-11T00:00Z")),
  ];
  const gaps = values.slice(1).map(({ timeMs }, i) => timeMs - values[i]!.timeMs);
  expect(gaps.filter((gap) => gap > 300_000)).toEqual([2 * hour + 300_000]);
  const ofDay = values.map(({ mantissa }) => mantissa / 10);
  expect(Math.max(...ofDay)).toBeGreaterThan(10);
  expect(Math.min(...ofDay)).toBeLessThan(6);
});

test("the elder's wearable leaves gaps of hours", () => {
  const heart = [...seriesOf("elder", "8867-4").readings(at("2026-04-01T00:00Z"), at("2026-04-29T00:00Z"))];
  const gaps = heart.slice(1).map(({ timeMs }, i) => timeMs - heart[i]!.timeMs);
  expect(gaps.filter((gap) => gap >= 2 * hour).length).toBeGreaterThan(20);
  expect(Math.max(...gaps)).toBeGreaterThan(8 * hour);
});
