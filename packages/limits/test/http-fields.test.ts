import { parseList } from "structured-headers";
import { expect, test } from "vitest";
import { budgetFields } from "../src/index.ts";

const state = { name: "organization", quota: 500_000, windowSeconds: 10, remaining: 12, resetMs: 3_200 };

test("the fields are lists of the draft, as a parser of structured fields reads them", () => {
  const fields = new Map(budgetFields(state, 200));
  const [[policy, policyParameters]] = parseList(fields.get("ratelimit-policy")!) as never as [
    [string, Map<string, number>],
  ];
  expect(policy).toBe("organization");
  expect(Object.fromEntries(policyParameters)).toEqual({ q: 500_000, w: 10 });
  const [[limit, limitParameters]] = parseList(fields.get("ratelimit")!) as never as [
    [string, Map<string, number>],
  ];
  expect(limit).toBe("organization");
  expect(Object.fromEntries(limitParameters)).toEqual({ r: 12, t: 4 });
  expect(fields.has("retry-after")).toBe(false);
});

test("a refusal says when to come back, in whole seconds and never at once", () => {
  const spent = { ...state, remaining: 0 };
  expect(new Map(budgetFields(spent, 429)).get("retry-after")).toBe("4");
  expect(new Map(budgetFields({ ...spent, resetMs: 0 }, 429)).get("retry-after")).toBe("1");
  // Refused for something else, whose delay is in its own words.
  expect(new Map(budgetFields(state, 429)).has("retry-after")).toBe(false);
});

test("a caller without a budget gets none", () => {
  expect(budgetFields(undefined, 200)).toEqual([]);
});
