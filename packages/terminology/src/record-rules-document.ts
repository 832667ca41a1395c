import type { CodeRule, RecordRules, SystemRule } from "./definition.ts";

type Fields = Readonly<Record<string, unknown>>;

const TYPE = /^[A-Z][A-Za-z]{1,63}$/;

/** The rules for clinical records of one version of a category; tells what is wrong with them. */
export function readRecordRules(value: unknown, tell: (what: string) => void): RecordRules {
  const fields = isFields(value) ? value : {};
  if (!isFields(value)) tell("records must be an object");
  for (const member of Object.keys(fields)) {
    if (!["types", "observations", "systems", "codes"].includes(member))
      tell(`records.${member} is not known`);
  }
  const types = texts(fields.types, "records.types", tell);
  for (const type of types) if (!TYPE.test(type)) tell(`records.types: ${type} is no resource type`);
  return {
    types,
    observations: texts(fields.observations, "records.observations", tell),
    systems: list(fields.systems, "records.systems", tell).map((one, i) =>
      systemRule(one, `records.systems[${i}]`, tell),
    ),
    codes: list(fields.codes, "records.codes", tell).map((one, i) =>
      codeRule(one, `records.codes[${i}]`, tell),
    ),
  };
}

function systemRule(value: unknown, path: string, tell: (what: string) => void): SystemRule {
  const fields = isFields(value) ? value : {};
  const systems = texts(fields.systems, `${path}.systems`, tell);
  if (systems.length === 0) tell(`${path} names no system`);
  return { systems, except: texts(fields.except, `${path}.except`, tell) };
}

function codeRule(value: unknown, path: string, tell: (what: string) => void): CodeRule {
  const fields = isFields(value) ? value : {};
  const { systems, except } = systemRule(value, path, tell);
  if (except.length > 0) tell(`${path}.except is not for codes`);
  const codes = texts(fields.codes, `${path}.codes`, tell);
  const ranges = list(fields.ranges, `${path}.ranges`, tell).flatMap((one) => {
    const [first, last] = texts(one, `${path}.ranges`, tell);
    if (first !== undefined && last !== undefined && first.length === last.length && first <= last) {
      return [[first, last] as const];
    }
    tell(`${path}.ranges: each is the first and the last, of one length`);
    return [];
  });
  if (codes.length === 0 && ranges.length === 0) tell(`${path} names no code`);
  if (typeof fields.source !== "string" || fields.source === "")
    tell(`${path}.source must say where it is from`);
  return { systems, codes, ranges };
}

function texts(value: unknown, path: string, tell: (what: string) => void): string[] {
  const values = list(value, path, tell);
  const bad = values.some((one) => typeof one !== "string" || one === "");
  if (bad) tell(`${path} must be a list of texts`);
  return bad ? [] : (values as string[]);
}

function list(value: unknown, path: string, tell: (what: string) => void): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  tell(`${path} must be a list`);
  return [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
