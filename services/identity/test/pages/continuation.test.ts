import { describe, expect, test } from "vitest";
import { continuation, withContinuation } from "../../src/pages/continuation.ts";

describe("after a sign-in the browser goes on", () => {
  test.each([
    "/account",
    "/account/passkey",
    "/account/email/code",
    "/authorize/aB3_-x",
    "/device",
    "/device?user_code=ABCD-EFGH",
    "/invitations/offer",
    "/organizations/org_aB3-x/members",
    "/office",
    "/office/organizations/org_aB3-x",
    "/me/",
    "/me/log",
    "/me/organizations/org_aB3-x",
    "/developers/",
    "/developers/applications/app_aB3-x",
  ])("to %s", (path) => {
    expect(continuation(path)).toBe(path);
  });
  test.each([
    undefined,
    "",
    "//evil.example",
    "/\\evil.example",
    "https://evil.example/account",
    "javascript:alert(1)",
    "/account/../oauth2/authorize",
    "/account//evil.example",
    "/account\n/x",
    "/authorize/x/../../y",
    "/authorize/x?redirect=https://evil.example",
    "/account?x",
    "/sign-in",
    " /account/passkey",
    "/authorize/",
    "/organizations/org_x/../../y",
    "/organizations//evil.example/members",
    "/office//evil.example",
    "/me",
    "/me//evil.example",
    "/developers//evil.example",
    "/me/log/../../oauth2/authorize",
  ])("to the account instead of %j", (path) => {
    expect(continuation(path)).toBe("/account");
  });
});

test("a path remembers where to go on to", () => {
  expect(withContinuation("/sign-in", "/account")).toBe("/sign-in");
  expect(withContinuation("/sign-in", "/device?user_code=A-B")).toBe(
    "/sign-in?continue=%2Fdevice%3Fuser_code%3DA-B",
  );
});
