import { createReadStream, existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { CliError } from "../failure.ts";
import {
  type FileConcept,
  notRead,
  type ReleaseFile,
  type ReleaseOptions,
  versionOf,
} from "./release-file.ts";

const system = "http://snomed.info/sct";
/** The type of a description that is a concept's fully specified name (SNOMED CT, RF2). */
const fullName = "900000000000003001";

/**
 * The snapshot of SNOMED CT's descriptions (RF2): each concept with its fully specified name. Which concepts are inactive says the file
 * of concepts beside it.
 */
export function openRf2(path: string, options: ReleaseOptions): ReleaseFile {
  const name = basename(path);
  const version = versionOf(/_([0-9]{8})\.txt$/.exec(name)?.[1], options);
  const concepts = join(
    dirname(path),
    name.replace(/^sct2_Description_Snapshot-[a-z-]+/i, "sct2_Concept_Snapshot"),
  );
  if (!existsSync(concepts)) {
    throw new CliError(
      "usage",
      `${basename(concepts)} has to lie beside it: it says which concepts are inactive`,
    );
  }
  return {
    kind: "code_system",
    url: system,
    version,
    title: "SNOMED CT",
    concepts: () => conceptsOf(path, concepts),
  };
}

async function* conceptsOf(path: string, conceptFile: string): AsyncGenerator<FileConcept> {
  const inactive = new Set<string>();
  for await (const { id, active } of rowsOf(conceptFile)) if (active === "0") inactive.add(id!);
  for await (const { active, conceptId, typeId, term } of rowsOf(path)) {
    if (active !== "1" || typeId !== fullName) continue;
    yield { system, code: conceptId!, display: term!, inactive: inactive.has(conceptId!) };
  }
}

/** RF2 is text between tabs, without quotes. */
async function* rowsOf(path: string): AsyncGenerator<Readonly<Record<string, string>>> {
  let head: string[] | undefined;
  try {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      const fields = line.replace(/^\ufeff/, "").split("\t");
      if (head !== undefined) yield Object.fromEntries(head.map((name, at) => [name, fields[at] ?? ""]));
      else head = fields;
    }
  } catch (cause) {
    throw notRead(path, cause);
  }
}
