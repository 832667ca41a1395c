import { ConfigError } from "@wellapi/runtime";
import { expect, test } from "vitest";
import { parseIdentityConfig } from "../src/index.ts";

test("nothing set is the sandbox", () => {
  const { origin, ...config } = parseIdentityConfig({});
  expect(config).toEqual({ profile: "sandbox", trustDomain: "wellapi.local", region: "local" });
  expect(origin()).toBe("http://localhost:7080");
});

test("every problem is told at once", () => {
  const parse = () => parseIdentityConfig({ WELLAPI_PROFILE: "test", WELLAPI_TRUST_DOMAIN: "Not/A/Domain" });
  expect(parse).toThrow(ConfigError);
  expect(parse).toThrow(
    /WELLAPI_PROFILE[\s\S]*WELLAPI_TRUST_DOMAIN|WELLAPI_TRUST_DOMAIN[\s\S]*WELLAPI_PROFILE/,
  );
});
