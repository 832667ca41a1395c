import { create } from "@bufbuild/protobuf";
import { QuerySeriesRequestSchema } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Caller } from "../src/caller/caller.ts";
import { createPageTokens, type PageQuery, PageTokenError, queryDigest } from "../src/caller/page-tokens.ts";

const key = new Uint8Array(32).fill(7);
const caller: Caller = {
  principal: { kind: "application", id: "app_1", organization: "org_1" },
  workload: "door",
  token: "t",
};
const request = create(QuerySeriesRequestSchema, {
  patient: "pat_1",
  code: { code: "8867-4" },
  pageSize: 10,
});
const query: PageQuery = {
  caller,
  method: "x/Query",
  digest: queryDigest(QuerySeriesRequestSchema, request),
};

test("a token opens to its position, shows nothing of it, and no two are alike", () => {
  const tokens = createPageTokens(key);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (position) => {
      const token = tokens.seal(query, position);
      expect(createPageTokens(key).open(query, token)).toEqual(position);
      expect(tokens.seal(query, position)).not.toBe(token);
    }),
    { numRuns: 100 },
  );
});

test("any changed character is refused", () => {
  const tokens = createPageTokens(key);
  const token = tokens.seal(query, new Uint8Array([1, 2, 3]));
  for (let at = 0; at < token.length; at++) {
    const forged = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
    expect(() => tokens.open(query, forged)).toThrow(PageTokenError);
  }
});

test.each<[string, PageQuery]>([
  [
    "another application",
    { ...query, caller: { ...caller, principal: { ...caller.principal, id: "app_2" } } },
  ],
  ["a patient", { ...query, caller: { ...caller, principal: { kind: "patient", id: "app_1" } } }],
  ["another method", { ...query, method: "x/List" }],
  [
    "another query",
    {
      ...query,
      digest: queryDigest(
        QuerySeriesRequestSchema,
        create(QuerySeriesRequestSchema, { patient: "pat_1", code: { code: "55423-8" }, pageSize: 10 }),
      ),
    },
  ],
])("%s is refused", (_name, other) => {
  const tokens = createPageTokens(key);
  const token = tokens.seal(query, new Uint8Array([1]));
  expect(() => tokens.open(other, token)).toThrow(PageTokenError);
});

test.each(["", "A", "!!!", "A".repeat(5_000)])("%j is refused", (token) => {
  expect(() => createPageTokens(key).open(query, token)).toThrow(PageTokenError);
});

test("another installation's key, and one that is too short", () => {
  const token = createPageTokens(new Uint8Array(32).fill(8)).seal(query, new Uint8Array([1]));
  expect(() => createPageTokens(key).open(query, token)).toThrow(PageTokenError);
  expect(() => createPageTokens(new Uint8Array(16))).toThrow(RangeError);
});

test("page size and token may change from page to page", () => {
  const next = create(QuerySeriesRequestSchema, { ...request, pageSize: 99, pageToken: "x" });
  expect(queryDigest(QuerySeriesRequestSchema, next)).toEqual(query.digest);
});
