import { resolve } from "node:path";

export type Env = Readonly<Record<string, string | undefined>>;

/** Every problem of the configuration at once, one line each: the setting, what is wrong, what is allowed. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "invalid-config";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration has ${problems.length} problem(s):\n  ${problems.join("\n  ")}`);
    this.problems = problems;
  }
}

/**
 * Reads settings. A setting that is absent or empty takes the fallback; without a fallback it is a problem.
 * A value is never repeated in a problem, for it may be a secret.
 */
export interface ConfigReader {
  string(name: string, fallback?: string): string;
  /** Absent stays undefined. */
  optional(name: string): string | undefined;
  /** A whole number within [min, max]. */
  int(name: string, options: { fallback?: number; min: number; max: number }): number;
  /** A TCP port; 0 takes a free one. */
  port(name: string, fallback?: number): number;
  /** `true`, `false`, `1` or `0`. */
  bool(name: string, fallback?: boolean): boolean;
  enum<T extends string>(name: string, allowed: readonly T[], fallback?: T): T;
  /** A file or folder, made absolute against the working directory. */
  path(name: string, fallback?: string): string;
  /** Comma-separated; blanks around items and empty items fall away. */
  list(name: string, fallback?: readonly string[]): readonly string[];
  /** Adds a problem that concerns several settings. */
  problem(text: string): void;
}

/** Runs `read` over `env` and freezes what it returns. @throws ConfigError naming every problem at once. */
export function parseConfig<T extends object>(env: Env, read: (reader: ConfigReader) => T): Readonly<T> {
  const problems: string[] = [];

  function value<V>(
    name: string,
    fallback: V | undefined,
    placeholder: V,
    allowed: string,
    parse: (text: string) => V | undefined,
  ): V {
    const text = env[name]?.trim();
    if (text === undefined || text === "") {
      if (fallback !== undefined) return fallback;
      problems.push(`${name} is not set: expected ${allowed}`);
      return placeholder;
    }
    const parsed = parse(text);
    if (parsed !== undefined) return parsed;
    problems.push(`${name} is not valid: expected ${allowed}`);
    return placeholder;
  }

  const reader: ConfigReader = {
    string: (name, fallback) => value(name, fallback, "", "text", (text) => text),
    optional: (name) => env[name]?.trim() || undefined,
    int: (name, { fallback, min, max }) =>
      value(name, fallback, min, `a whole number from ${min} to ${max}`, (text) => {
        const number = Number(text);
        return /^-?\d+$/.test(text) && number >= min && number <= max ? number : undefined;
      }),
    port: (name, fallback) =>
      value(name, fallback, 0, "a port from 0 (a free one) to 65535", (text) =>
        /^\d{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined,
      ),
    bool: (name, fallback) =>
      value(name, fallback, false, "true or false", (text) => {
        if (text === "true" || text === "1") return true;
        if (text === "false" || text === "0") return false;
        return undefined;
      }),
    enum: (name, allowed, fallback) =>
      value(name, fallback, allowed[0]!, `one of ${allowed.join(", ")}`, (text) =>
        allowed.find((item) => item === text),
      ),
    path: (name, fallback) =>
      resolve(value(name, fallback, ".", "a path", (text) => (text.includes("\0") ? undefined : text))),
    list: (name, fallback) =>
      value<readonly string[]>(name, fallback, [], "a list with commas between", (text) =>
        text
          .split(",")
          .map((item) => item.trim())
          .filter((item) => item !== ""),
      ),
    problem: (text) => {
      problems.push(text);
    },
  };

  const config = read(reader);
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config);
}
