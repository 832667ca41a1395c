import { readFile } from "node:fs/promises";
import { CliError } from "../failure.ts";
import {
  type FileConcept,
  notRead,
  type ReleaseFile,
  type ReleaseOptions,
  versionOf,
} from "./release-file.ts";

interface Json {
  readonly [name: string]: unknown;
}

/** A CodeSystem, or a ValueSet whose codes are listed, of FHIR R4. The file is read whole. */
export async function openFhirJson(path: string, options: ReleaseOptions): Promise<ReleaseFile> {
  const resource = await read(path);
  const { resourceType, url } = resource;
  if (typeof url !== "string")
    throw new CliError("input", `${path} has no url: what is loaded is found by it`);
  const title = textOf(resource.title) || textOf(resource.name);
  const head = { url, version: versionOf(textOf(resource.version) || undefined, options), title };
  if (resourceType === "CodeSystem") {
    if (resource.content !== "complete") {
      throw new CliError(
        "input",
        `${path} is a part of its code system: only one whose content is complete is loaded`,
      );
    }
    return { ...head, kind: "code_system", concepts: () => nested(listOf(resource.concept), "concept", url) };
  }
  if (resourceType === "ValueSet")
    return { ...head, kind: "value_set", concepts: () => ofValueSet(path, resource) };
  throw new CliError("input", `${path} is neither a CodeSystem nor a ValueSet`);
}

async function read(path: string): Promise<Json> {
  try {
    const content: unknown = JSON.parse(await readFile(path, "utf8"));
    return typeof content === "object" && content !== null ? (content as Json) : {};
  } catch (cause) {
    throw notRead(path, cause);
  }
}

/** The codes of its expansion, or those that its definition lists. */
async function* ofValueSet(path: string, { compose, expansion }: Json): AsyncGenerator<FileConcept> {
  if (expansion !== undefined) {
    yield* nested(listOf((expansion as Json).contains), "contains", "");
    return;
  }
  const { include, exclude } = (compose ?? {}) as Json;
  for (const one of listOf(include)) {
    if (
      one.concept === undefined ||
      exclude !== undefined ||
      one.filter !== undefined ||
      one.valueSet !== undefined
    ) {
      throw new CliError(
        "input",
        `${path} is defined by rules: load one with its expansion, or one that lists its codes`,
      );
    }
    yield* nested(listOf(one.concept), "concept", textOf(one.system));
  }
}

/** Each before those within it. */
async function* nested(list: readonly Json[], member: string, system: string): AsyncGenerator<FileConcept> {
  for (const one of list) {
    const code = textOf(one.code);
    // What stands in an expansion only to group others has no code, or is abstract.
    if (code !== "" && one.abstract !== true) {
      yield {
        system: textOf(one.system) || system,
        code,
        display: textOf(one.display),
        inactive: isInactive(one),
      };
    }
    yield* nested(listOf(one[member]), member, system);
  }
}

/** By FHIR's concept properties `inactive` and `status`, or in an expansion. */
function isInactive({ inactive, property }: Json): boolean {
  return (
    inactive === true ||
    listOf(property).some(
      ({ code, valueBoolean, valueCode }) =>
        (code === "inactive" && valueBoolean === true) ||
        (code === "status" && (valueCode === "retired" || valueCode === "deprecated")),
    )
  );
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
