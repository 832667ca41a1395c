import { describe, expect, test } from "vitest";
import { checkRestriction, openPolicyEngine, type PolicyError, type Restrictions } from "../src/index.ts";
import { boundOf } from "../src/restriction.ts";

const organization = "org_a";
const owns = async (application: string) => application === "app_own";
const check = (text: string) => checkRestriction(text, { organization, owns });
const own = `principal in Organization::"${organization}"`;

describe("what an organization may store", () => {
  test.each([
    `forbid (${own}, action, resource);`,
    `forbid (principal is Member in Organization::"org_a", action in Action::"changes", resource);`,
    `forbid (principal == Application::"app_own", action == Action::"contribute", resource);`,
    `forbid (${own}, action == Action::"read", resource) when { resource.categories.contains("wellbeing") };`,
    `forbid (${own}, action in Action::"health data", resource) unless { context has address && context.address.isInRange(ip("10.0.0.0/8")) };`,
    `forbid (${own}, action in Action::"wellapi.records.v1.RecordsService", resource) when { context.hour < 6 || context.weekday == "sunday" };`,
  ])("%s", async (text) => {
    expect(await check(text)).toEqual([]);
  });
});

describe("what is refused, with what to do", () => {
  test.each([
    ["a permit", `permit (${own}, action, resource);`, /only forbid/],
    ["a permit behind a comment", `// forbid\npermit (${own}, action, resource);`, /only forbid/],
    ["everybody", `forbid (principal, action, resource);`, /about everybody/],
    [
      "everybody, with one's own in a condition",
      `forbid (principal, action, resource) when { ${own} };`,
      /about everybody/,
    ],
    [
      "another organization",
      `forbid (principal in Organization::"org_b", action, resource);`,
      /about others/,
    ],
    [
      "another organization's members",
      `forbid (principal is Member in Organization::"org_b", action, resource);`,
      /about others/,
    ],
    ["all patients", `forbid (principal is Patient, action, resource);`, /every Patient/],
    ["one patient", `forbid (principal == Patient::"pat_1", action, resource);`, /about others/],
    [
      "another organization's application",
      `forbid (principal == Application::"app_b", action, resource);`,
      /about others/,
    ],
    [
      "a patient whose id is one's own application's",
      `forbid (principal == Patient::"app_own", action, resource);`,
      /about others/,
    ],
    ["two at once", `forbid (${own}, action, resource); forbid (${own}, action, resource);`, /2 policies/],
    [
      "a permit beside a forbid",
      `forbid (${own}, action, resource); permit (principal, action, resource);`,
      /2 policies/,
    ],
    ["a template", `forbid (principal in ?principal, action, resource);`, /template/],
    ["nothing", `// nothing`, /no policy/],
    ["no Cedar", `deny everybody`, /unexpected/],
    [
      "an unknown attribute",
      `forbid (${own}, action == Action::"read", resource) when { context.purposes == "research" };`,
      /`purposes`.*not found/,
    ],
    ["an unknown action", `forbid (${own}, action == Action::"reed", resource);`, /unrecognized action/],
    ["a wrong type", `forbid (${own}, action, resource) when { context.region == 3 };`, /region|compatible/],
    [
      "what can never apply",
      `forbid (${own}, action == Action::"read", resource) when { principal is Patient && resource is Exchange };`,
      /impossible|never/,
    ],
    [
      "a network that is none",
      `forbid (${own}, action, resource) when { ip("10.0.0.0/99").isLoopback() };`,
      /IP/,
    ],
  ])("%s", async (_what, text, message) => {
    const mistakes = await check(text);
    expect(mistakes.map((one) => one.message).join("\n")).toMatch(message);
  });

  test("a typo is told with what was meant, and its line", async () => {
    const text = `forbid (${own}, action == Action::"read", resource)\nwhen { context.purposes == "research" };`;
    expect(await check(text)).toEqual([
      expect.objectContaining({ help: "did you mean `purpose`?", line: 2 }),
    ]);
  });
});

/** At the bounds in each way in which a text can nest or go on: beyond them the library's instance would end. */
const shapes: Readonly<Record<string, (n: number) => string>> = {
  brackets: (n) => `${"(".repeat(n)}true${")".repeat(n)}`,
  "brackets with negations": (n) => `${"!!!(".repeat(n)}true${")".repeat(n)}`,
  records: (n) => `${"{a: ".repeat(n)}1${"}".repeat(n)} == 1`,
  sums: (n) => `${"1 + ".repeat(n)}1 == 2`,
  conditions: (n) => `${"if true then true else ".repeat(n)}true`,
  attributes: (n) => `principal${".a".repeat(n)} == 1`,
  methods: (n) => `ip("1.1.1.1")${".isLoopback()".repeat(n)}`,
  conjunctions: (n) => `${"true && ".repeat(n)}true`,
  clauses: (n) => `true }${" when { true }".repeat(n)} when { true`,
  mixed: (n) => `${"if [{a: !".repeat(n)}1.a.b.c.d${"}] == 1 then 1 else 2".repeat(n)}`,
};

describe("no text within the bounds ends the library", () => {
  test.each(Object.keys(shapes))("%s", async (shape) => {
    const textOf = (n: number) => `forbid (${own}, action, resource) when { ${shapes[shape]!(n)} };`;
    let n = 1;
    while (boundOf(textOf(n + 1)) === undefined) n += 1;
    expect(n).toBeGreaterThan(5);
    await check(textOf(n));
    // Evaluated, too, as if it had been right once: some are no right policies.
    const policies = [{ id: "pol_1", reason: "A test.", text: textOf(n) }];
    const subject = { kind: "application", id: "app_own", organization } as const;
    const engine = openPolicyEngine();
    const decide = (restrictions?: Restrictions) =>
      engine.decideCall(
        subject,
        "wellapi.terminology.v1.TerminologyService/ListCodes",
        { time: 0 },
        restrictions,
      );
    const outcome = (): string => {
      try {
        return String(decide({ organization, version: n, policies }).permitted);
      } catch (error) {
        return (error as PolicyError).code;
      }
    };
    expect(["true", "false", "invalid_policies"]).toContain(outcome());
    expect(decide()).toEqual({ permitted: true, policies: ["anyone"] });
    expect(boundOf(textOf(n + 1))).toMatch(/more than|longer/);
  });
});
