import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CodeDefinition } from "./definition.ts";
import { shippedDocuments, shippedTerminology } from "./shipped.ts";
import { createTerminology, type Terminology } from "./terminology.ts";
import { readDocuments, type TerminologyDocument } from "./terminology-document.ts";
import { TerminologyError } from "./terminology-error.ts";
import { parseUnit } from "./ucum.ts";

/**
 * The shipped codes and categories with those that an installation adds: the `.json` files of a folder, in the order
 * of their names, in the format of `data/`.
 *
 * @param folder absent: only the shipped ones
 * @throws TerminologyError `invalid_data` that names every problem, also where a file redefines something shipped
 */
export async function openTerminology(folder: string | undefined): Promise<Terminology> {
  if (folder === undefined) return shippedTerminology;
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new TerminologyError("invalid_data", `the terminology folder ${folder} cannot be read`, { cause });
  });
  const added = await Promise.all(
    names
      .filter((name) => name.endsWith(".json"))
      .sort()
      .map((name) => readOne(join(folder, name), name)),
  );
  const definitions = readDocuments([...shippedDocuments, ...added]);
  const units = definitions.codes.flatMap(unitsOf);
  const unknown = units.filter(({ unit }) => parseUnit(unit) === undefined);
  if (unknown.length > 0) {
    const named = unknown.map(
      ({ code, unit }) => `the unit ${unit} of ${code} is not UCUM or cannot be converted`,
    );
    throw new TerminologyError("invalid_data", `the terminology cannot be used:\n  ${named.join("\n  ")}`);
  }
  return createTerminology(definitions);
}

async function readOne(path: string, name: string): Promise<TerminologyDocument> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new TerminologyError("invalid_data", `${name} cannot be read`, { cause });
  });
  try {
    return { name, content: JSON.parse(text) };
  } catch {
    // Reported together with all other problems.
    return { name, content: undefined };
  }
}

function unitsOf(definition: CodeDefinition): { readonly code: string; readonly unit: string }[] {
  const { code } = definition;
  switch (definition.kind) {
    case "quantity":
      return [{ code, unit: definition.unit }];
    case "ratio":
      return [definition.numeratorUnit, definition.denominatorUnit].map((unit) => ({ code, unit }));
    case "components":
      return definition.components.flatMap(unitsOf);
    default:
      return [];
  }
}
