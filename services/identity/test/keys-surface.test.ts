import { Code } from "@connectrpc/connect";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { openTestSurface } from "@wellapi/http/testing";
import { problemError } from "@wellapi/rpc";
import { partialRoute } from "@wellapi/rpc/testing";
import { expect, onTestFinished, test } from "vitest";
import { keysSurface } from "../src/index.ts";

async function open(getJwks: () => { jwks: string }): Promise<string> {
  const { url, close } = await openTestSurface(keysSurface, {
    routes: [partialRoute(TokenService, { getJwks })],
  });
  onTestFinished(() => close());
  return url;
}

test("the keys that verify tokens", async () => {
  const url = await open(() => ({ jwks: '{"keys":[]}' }));
  const response = await fetch(`${url}/.well-known/jwks.json`);
  expect(await response.json()).toEqual({ keys: [] });
  expect(response.headers.get("content-type")).toContain("application/jwk-set+json");
  expect(response.headers.get("cache-control")).toBe("public, max-age=60");
});

test("keys that can't be had", async () => {
  const url = await open(() => {
    throw problemError({ code: Code.Unavailable, reason: "STORE_UNAVAILABLE", message: "x" });
  });
  const keys = await fetch(`${url}/.well-known/jwks.json`);
  expect(keys.status).toBe(503);
  expect(keys.headers.get("retry-after")).toBe("1");
});
