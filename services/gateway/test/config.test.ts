import { expect, test } from "vitest";
import { parseGatewayConfig } from "../src/config.ts";

test("starts on the loopback with CORS off", () => {
  expect(parseGatewayConfig({})).toEqual({
    host: "127.0.0.1",
    port: 7080,
    corsOrigins: [],
    maximumTimeoutMs: 30_000,
    maximumMessageBytes: 1_048_576,
  });
});

test.each(["*", "https://app.example/", "https://app.example/path", "app.example"])(
  "%s is no origin",
  (origin) => {
    expect(() => parseGatewayConfig({ WELLAPI_CORS_ORIGINS: `https://ok.example,${origin}` })).toThrow(
      "WELLAPI_CORS_ORIGINS",
    );
  },
);
