import { readFileSync } from "node:fs";
import { mistakesOf, parsePolicies } from "./cedar.ts";
import { PolicyError } from "./errors.ts";

/** A policy that comes with the software. */
export interface DefaultPolicy {
  readonly id: string;
  readonly text: string;
  readonly effect: "permit" | "forbid";
  /** In plain words. */
  readonly reason: string;
  /** The door's table of callers refuses the same. */
  readonly mirrored: boolean;
}

const folder = new URL("../policies/", import.meta.url);
/** In the order in which a decision names them. */
export const policyFiles = ["callers.cedar", "data.cedar"] as const;

export const schema = readFileSync(new URL("schema.cedarschema", folder), "utf8");

/** Reads policies that each have an id and a reason. @throws PolicyError `invalid_policies` */
export function readPolicies(name: string, text: string): readonly DefaultPolicy[] {
  const parsed = parsePolicies(text);
  if ("mistakes" in parsed) {
    throw new PolicyError("invalid_policies", `${name}: ${parsed.mistakes[0]?.message}`);
  }
  return parsed
    .map(({ text: statement, json: { effect, annotations = {} } }): DefaultPolicy => {
      const { id = "", reason = "", mirrors } = annotations;
      if (id === "" || reason === "") {
        throw new PolicyError("invalid_policies", `${name}: give each policy an @id and a @reason`);
      }
      return { id, text: statement, effect, reason, mirrored: mirrors !== undefined };
    })
    .sort((a, b) => text.indexOf(`@id("${a.id}")`) - text.indexOf(`@id("${b.id}")`));
}

/** All default policies. @throws PolicyError `invalid_policies` where one is malformed, impossible, or named twice */
export function loadDefaults(): readonly DefaultPolicy[] {
  const all = policyFiles.flatMap((name) => readPolicies(name, readFileSync(new URL(name, folder), "utf8")));
  const texts = Object.fromEntries(all.map(({ id, text }) => [id, text]));
  if (Object.keys(texts).length < all.length) {
    throw new PolicyError("invalid_policies", "two default policies have the same @id");
  }
  return all;
}

/** What is wrong with the default policies under the schema. A policy that applies to nothing yet is no mistake. */
export function checkDefaults(policies: readonly DefaultPolicy[]): readonly string[] {
  const texts = Object.fromEntries(policies.map(({ id, text }) => [id, text]));
  return mistakesOf(schema, texts)
    .filter(({ message }) => !/impossible|unable to find an applicable action/.test(message))
    .map(({ policy, message, help }) => `${policy}: ${message}${help === undefined ? "" : ` (${help})`}`);
}
