import type { ConfigReader } from "@wellapi/runtime";

/** One setting of a service: an environment variable, and how it is read. */
export interface Setting<T> {
  /** `WELLAPI_COMPACT_AFTER_MS` */
  readonly name: string;
  /** What applies where it is not set, as text; undefined: nothing. */
  readonly fallback: string | undefined;
  /** For the operator: one clause that says what it decides. */
  readonly what: string;
  read(reader: ConfigReader): T;
}

/** By the names under which the service reads them. */
export type Settings = Readonly<Record<string, Setting<unknown>>>;

/** What the settings amount to once they are read. */
export type ValuesOf<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

/** A whole number within [min, max]. */
export function numberSetting(
  name: string,
  range: { readonly fallback: number; readonly min: number; readonly max: number },
  what: string,
): Setting<number> {
  return { name, what, fallback: String(range.fallback), read: (reader) => reader.int(name, range) };
}

/** Text that may be absent. */
export function optionalSetting(name: string, what: string): Setting<string | undefined> {
  return { name, what, fallback: undefined, read: (reader) => reader.optional(name) };
}

/** Reads all; the reader gathers the problems. */
export function readSettings<S extends Settings>(settings: S, reader: ConfigReader): ValuesOf<S> {
  const values = Object.entries(settings).map(([key, setting]) => [key, setting.read(reader)]);
  return Object.fromEntries(values) as ValuesOf<S>;
}
