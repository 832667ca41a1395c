import type { HttpRequest } from "@wellapi/http";
import { expect, test } from "vitest";
import { cookieOf, dropCookie, setCookie } from "../../src/pages/cookies.ts";

const request = (cookie?: string) => ({ headers: { cookie } }) as HttpRequest;

test("a cookie is ours alone, and no script's", () => {
  expect(setCookie("session", "s3cret")).toBe(
    "__Host-wellapi=s3cret; Path=/; Secure; HttpOnly; SameSite=Lax",
  );
  expect(setCookie("flow", "f", 600)).toBe(
    "__Host-wellapi-flow=f; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=600",
  );
  expect(dropCookie("session")).toContain("Max-Age=0");
});

test.each([
  [undefined, undefined],
  ["", undefined],
  ["a=b; __Host-wellapi-flow=f1; c=d", "f1"],
  ["__Host-wellapi-flow=a=b", "a=b"],
  ["x__Host-wellapi-flow=f1", undefined],
  ["__Host-wellapi-flow=", undefined],
  ["__Host-wellapi-flow=mine; __Host-wellapi-flow=theirs", undefined],
] as const)("of %j the flow is %s", (cookie, flow) => {
  expect(cookieOf(request(cookie), "flow")).toBe(flow);
});
