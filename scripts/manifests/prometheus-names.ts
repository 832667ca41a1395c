import type { Instrument } from "@wellapi/runtime";

/** Units that Prometheus spells out; those in braces say what is counted, and are left away. */
const units: Readonly<Record<string, string>> = { s: "_seconds", By: "_bytes" };

/** A metric or attribute name as Prometheus has it (OTLP receiver, strategy UnderscoreEscapingWithSuffixes). */
export function escaped(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]+/g, "_");
}

/** The series of an instrument in Prometheus. @throws TypeError for a unit that has no name here. */
export function seriesOf({ name, kind, unit }: Instrument): readonly string[] {
  const suffix = unit.startsWith("{") ? "" : units[unit];
  if (suffix === undefined) throw new TypeError(`${name}: what does Prometheus call the unit ${unit}?`);
  const base = `${escaped(name)}${suffix}`;
  if (kind === "counter") return [`${base}_total`];
  if (kind === "histogram") return ["_bucket", "_count", "_sum"].map((part) => base + part);
  return [base];
}
