import { parseConfig } from "@wellapi/runtime";
import { expect, test } from "vitest";
import { readCorsOrigins } from "../src/config.ts";

const parse = (env: Record<string, string>, profile: "sandbox" | "production" = "production") =>
  parseConfig(env, (reader) => readCorsOrigins(reader, profile));

test("CORS is off unless origins are named", () => {
  expect(parse({})).toEqual([]);
  expect(parse({ WELLAPI_CORS_ORIGINS: "https://a.example,http://localhost:5173" })).toEqual([
    "https://a.example",
    "http://localhost:5173",
  ]);
});

test("the sandbox takes the origins of its own machine, unless others or none are named", () => {
  expect(parse({}, "sandbox")).toEqual(["localhost"]);
  expect(parse({ WELLAPI_CORS_ORIGINS: "none" }, "sandbox")).toEqual([]);
  expect(parse({ WELLAPI_CORS_ORIGINS: "https://a.example" }, "sandbox")).toEqual(["https://a.example"]);
});

test.each(["*", "none", "https://app.example/", "https://app.example/path", "app.example"])(
  "%s is no origin",
  (origin) => {
    expect(() => parse({ WELLAPI_CORS_ORIGINS: `https://ok.example,${origin}` })).toThrow(
      "WELLAPI_CORS_ORIGINS",
    );
  },
);
