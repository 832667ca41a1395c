import { parseConfig } from "@wellapi/runtime";
import { expect, test } from "vitest";
import { readCorsOrigins } from "../src/config.ts";

const parse = (env: Record<string, string>) => parseConfig(env, readCorsOrigins);

test("CORS is off unless origins are named", () => {
  expect(parse({})).toEqual([]);
  expect(parse({ WELLAPI_CORS_ORIGINS: "https://a.example,http://localhost:5173" })).toEqual([
    "https://a.example",
    "http://localhost:5173",
  ]);
});

test.each(["*", "https://app.example/", "https://app.example/path", "app.example"])(
  "%s is no origin",
  (origin) => {
    expect(() => parse({ WELLAPI_CORS_ORIGINS: `https://ok.example,${origin}` })).toThrow(
      "WELLAPI_CORS_ORIGINS",
    );
  },
);
