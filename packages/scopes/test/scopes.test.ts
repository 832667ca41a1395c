import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatScope, hasScope, isScope, narrowingOf, parseScope, scopesWithin } from "../src/index.ts";

describe("the grammar of scopes", () => {
  it.each([
    ["patient/Observation.rs", { context: "patient", resource: "Observation", permissions: "rs" }],
    ["system/*.cruds", { context: "system", resource: "*", permissions: "cruds" }],
    ["user/Consent.read", { context: "user", resource: "Consent", permissions: "rs" }],
    ["patient/*.write", { context: "patient", resource: "*", permissions: "cud" }],
    ["patient/*.*", { context: "patient", resource: "*", permissions: "cruds" }],
    [
      "patient/Observation.r?category=vital-signs",
      { context: "patient", resource: "Observation", permissions: "r", categories: ["vital-signs"] },
    ],
    [
      "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|survey,sleep",
      {
        context: "patient",
        resource: "Observation",
        permissions: "rs",
        categories: ["http://terminology.hl7.org/CodeSystem/observation-category|survey", "sleep"],
      },
    ],
  ])("%s", (text, scope) => {
    expect(parseScope(text)).toEqual(scope);
  });

  it.each([
    "",
    "openid",
    "patient/Observation",
    "patient/Observation.",
    "patient/Observation.sr",
    "patient/Observation.rr",
    "patient/observation.r",
    "Patient/Observation.r",
    "patient/Observation.rs ",
    "patient/Observation.rs?",
    "patient/Observation.rs?code=8867-4",
    "patient/Observation.rs?category=vital-signs&status=final",
    "patient/Observation.rs?category=a&category=b",
    "patient/Observation.rs?category:not=a",
    "patient/Observation.rs?category=",
    "patient/Observation.rs?category=a,",
    "patient/*.rs?category=vital-signs",
    "patient/Consent.rs?category=vital-signs",
    `patient/Observation.rs?category=${"a".repeat(300)}`,
    "system/Observation.rs\nsystem/*.cruds",
  ])("%j is none, because a scope that is understood in part permits too much", (text) => {
    expect(isScope(text)).toBe(false);
    expect(hasScope([text], ["Observation.r"])).toBe(false);
    expect(narrowingOf([text], ["Observation.r"])).toEqual(new Set());
  });

  it("writes what it parses", () => {
    fc.assert(
      fc.property(smartScope, (scope) => {
        expect(parseScope(formatScope(scope))).toEqual(scope);
      }),
    );
  });
});

const letters = fc.subarray([..."cruds"], { minLength: 1 }).map((some) => some.join(""));
const smartScope = fc
  .record({
    context: fc.constantFrom("patient" as const, "user" as const, "system" as const),
    resource: fc.constantFrom("*", "Observation", "Consent", "AuditEvent"),
    permissions: letters,
    categories: fc.option(
      fc.uniqueArray(fc.constantFrom("sleep", "heart", "vital-signs"), { minLength: 1 }),
      {
        nil: undefined,
      },
    ),
  })
  .map(({ categories, ...scope }) =>
    categories === undefined || scope.resource !== "Observation" ? scope : { ...scope, categories },
  );

describe("what scopes permit", () => {
  it("is everything for a credential that scopes do not limit", () => {
    expect(hasScope(undefined, ["Observation.r"])).toBe(true);
    expect(hasScope(undefined, [])).toBe(true);
    expect(narrowingOf(undefined, ["Observation.r"])).toBe("all");
  });

  it("is nothing where a call names no scope", () => {
    expect(hasScope(["system/*.cruds"], [])).toBe(false);
  });

  it("takes any of the needs, and all permissions of one", () => {
    expect(hasScope(["patient/Observation.s"], ["Observation.r", "Observation.s"])).toBe(true);
    expect(hasScope(["patient/Observation.r"], ["Observation.rs"])).toBe(false);
    expect(hasScope(["patient/Observation.r", "patient/Observation.s"], ["Observation.rs"])).toBe(false);
    expect(hasScope(["patient/*.r"], ["Consent.r"])).toBe(true);
    expect(hasScope(["patient/Observation.r"], ["Consent.r"])).toBe(false);
    expect(hasScope(["wellapi:organization.read"], ["wellapi:organization.read"])).toBe(true);
    expect(hasScope(["wellapi:organization"], ["wellapi:organization.read"])).toBe(false);
  });

  it("is narrowed by the categories of the scopes that the call needs, and of no other", () => {
    const scopes = [
      "patient/Observation.r",
      "patient/Observation.s?category=sleep",
      "patient/Observation.rs?category=heart",
    ];
    expect(narrowingOf(scopes, ["Observation.r"])).toBe("all");
    expect(narrowingOf(scopes, ["Observation.s"])).toEqual(new Set(["sleep", "heart"]));
    expect(narrowingOf(scopes, ["Observation.c"])).toEqual(new Set());
  });

  it("never grows by a narrowing: what narrowed scopes reach, the same scopes without categories reach", () => {
    const need = letters.map((some) => `Observation.${some}`);
    fc.assert(
      fc.property(
        fc.array(smartScope, { maxLength: 4 }),
        fc.array(need, { minLength: 1, maxLength: 2 }),
        (scopes, needs) => {
          const narrow = scopes.map(formatScope);
          const wide = scopes.map((scope) => formatScope(scope).replace(/[?].*/, ""));
          const reach = narrowingOf(narrow, needs);
          if (reach !== "all" && reach.size === 0) expect(hasScope(narrow, needs)).toBe(false);
          else expect(narrowingOf(wide, needs)).toBe("all");
          expect(hasScope(narrow, needs)).toBe(hasScope(wide, needs));
        },
      ),
    );
  });

  it("is bound to the context of the token", () => {
    const scopes = [
      "patient/Observation.r",
      "system/Observation.r",
      "user/Observation.r",
      "openid",
      "wellapi:a.b",
    ];
    expect(scopesWithin(scopes, "system")).toEqual(["system/Observation.r", "wellapi:a.b"]);
    expect(scopesWithin(scopes, "patient")).toEqual(["patient/Observation.r", "wellapi:a.b"]);
  });
});
