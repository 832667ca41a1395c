import { resolve } from "node:path";
import { expect, test } from "vitest";
import { ConfigError, parseConfig } from "../src/config.ts";

test("reads each kind, takes fallbacks and freezes", () => {
  const config = parseConfig(
    { PORT: "0", LEVEL: "b", ON: "true", LIST: "a, b,,", DIR: "x", EMPTY: " " },
    (read) => ({
      port: read.port("PORT", 1),
      level: read.enum("LEVEL", ["a", "b"]),
      on: read.bool("ON"),
      list: read.list("LIST"),
      dir: read.path("DIR"),
      empty: read.string("EMPTY", "fallback"),
      absent: read.optional("ABSENT"),
    }),
  );
  expect(config).toEqual({
    port: 0,
    level: "b",
    on: true,
    list: ["a", "b"],
    dir: resolve("x"),
    empty: "fallback",
    absent: undefined,
  });
  expect(Object.isFrozen(config)).toBe(true);
});

test("reports every problem at once, without the values", () => {
  const env = { PORT: "70000", KEY: "wellapi_sk_secret", COUNT: "1.5", MODE: "c" };
  try {
    parseConfig(env, (read) => ({
      port: read.port("PORT"),
      key: read.int("KEY", { min: 0, max: 9 }),
      count: read.int("COUNT", { min: 0, max: 9 }),
      mode: read.enum("MODE", ["a", "b"]),
      missing: read.string("MISSING"),
    }));
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const { problems, message } = error as ConfigError;
    expect(problems.map((problem) => problem.split(" ")[0])).toEqual([
      "PORT",
      "KEY",
      "COUNT",
      "MODE",
      "MISSING",
    ]);
    expect(message).not.toContain("wellapi_sk_secret");
    expect(message).toContain("one of a, b");
  }
});
