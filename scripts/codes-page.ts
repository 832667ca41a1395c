/**
 * Writes docs/codes.md: the codes that data may have, their units, and the categories that consents name, from the shipped
 * documents of packages/terminology. `--check` compares with the committed page instead.
 */
import { readFileSync, writeFileSync } from "node:fs";
import {
  type CategorySet,
  type CodeDefinition,
  LOINC,
  type QuantityCode,
  shippedTerminology,
  type Terminology,
} from "../packages/terminology/src/index.ts";

const page = new URL("../docs/codes.md", import.meta.url);

/** Units that devices and clinics use, of which the page names those that a code takes. */
const usualUnits = [
  ...["/min", "{beats}/min", "/s", "Hz", "ms", "s", "min", "h", "1", "%", "kg", "g", "[lb_av]", "m"],
  ...[
    "cm",
    "km",
    "[in_i]",
    "[ft_i]",
    "[mi_i]",
    "kg/m2",
    "kcal",
    "kJ",
    "mg/dL",
    "g/L",
    "mmol/L",
    "mm[Hg]",
    "kPa",
    "Cel",
  ],
  ...["[degF]", "K"],
];

/** The page, as Markdown. */
export function codesPage(terminology: Terminology): string {
  const { codes, categories, sets, currentVersion } = terminology;
  const newest = (name: string) =>
    sets.find(({ category, version }) => category === name && version === currentVersion(name))!;
  return `<!-- Generated from packages/terminology/data by scripts/codes-page.ts (make generate). Do not edit. -->

# Codes, units and categories

What an exchange takes as it is shipped. An installation can add codes and categories of its own
([packages/terminology](../packages/terminology)); \`wellapi codes\` and \`wellapi categories\` (\`ListCodes\`, \`ListCategories\`)
tell what a running one takes. A code without a system is of LOINC. A value outside the plausible range is rejected.

## Numbers

A value is stored in the unit that was sent, as UCUM writes it. Every unit of the same dimension is taken; the table names usual ones.

${table(
  ["code", "name", "categories", "unit", "also taken", "plausible"],
  codes.filter((one) => one.kind === "quantity").map((one) => quantityRow(one, terminology)),
)}

## Panels

Each component is sent with its own code and unit.

${table(
  ["panel", "name", "categories", "component", "name of the component", "unit", "plausible"],
  codes
    .filter((one) => one.kind === "components")
    .flatMap((one) =>
      one.components.map((part) => [
        code(one.code),
        one.display,
        categoriesOf(one, terminology),
        code(part.code),
        part.display,
        code(part.unit),
        range(part),
      ]),
    ),
)}

## Codes of our own

For concepts that LOINC has no code for: send the system with the code. \`packages/terminology/data/codes.json\` gives the reason of each.

${table(
  ["code", "name", "kind", "categories", "system", "values or parts"],
  codes
    .filter(({ kind }) => kind !== "quantity" && kind !== "components")
    .map((one) => [
      code(one.code),
      one.display,
      one.kind,
      categoriesOf(one, terminology),
      one.system === LOINC ? "LOINC" : code(one.system),
      valuesOf(one),
    ]),
)}

## Categories

A consent names categories and keeps the version that was current when it was granted. \`Coding\` is not needed: the name alone.

${table(
  ["category", "current version", "codes", "clinical records"],
  categories.map((name) => [
    code(name),
    String(currentVersion(name)),
    newest(name)
      .codes.map((one) => `${code(one)} ${terminology.findAnyCode(one)!.display}`)
      .join("<br>"),
    recordsOf(newest(name)),
  ]),
)}

Clinical records are FHIR R4 resources: a category holds those of the types that are named, observations of HL7's categories that are
named where their code is not in the tables above, and whatever has one of its single codes, wherever it stands
([terminology.md](terminology.md)).

## Sources

Names of LOINC codes are its long common names. This page contains content from LOINC (https://loinc.org). LOINC is copyright ©
Regenstrief Institute, Inc. and the Logical Observation Identifiers Names and Codes (LOINC) Committee and is available at no cost
under the license at https://loinc.org/license. LOINC® is a registered United States trademark of Regenstrief Institute, Inc. Units
are UCUM (https://ucum.org).
`;
}

function quantityRow(one: QuantityCode, terminology: Terminology): string[] {
  const others = usualUnits.filter(
    (unit) => unit !== one.unit && terminology.checkUnit(one.code, unit).status === "ok",
  );
  return [
    code(one.code),
    one.display,
    categoriesOf(one, terminology),
    code(one.unit),
    others.map(code).join(" "),
    range(one),
  ];
}

function valuesOf(one: CodeDefinition): string {
  if (one.kind === "coded")
    return one.values.map((value) => `${code(value.code)} ${value.display}`).join("<br>");
  if (one.kind === "session")
    return one.segments.map((part) => `${code(part.code)} ${part.display}`).join("<br>");
  return one.kind === "integer" ? `a whole number, ${one.plausible.low} to ${one.plausible.high}` : "";
}

function categoriesOf({ code: one }: CodeDefinition, terminology: Terminology): string {
  return terminology.categoriesOf(one).map(code).join(" ");
}

function recordsOf({ records }: CategorySet): string {
  if (records === undefined) return "";
  const observations = records.observations.map((one) => `observations of ${code(one)}`);
  const singly = records.codes.length === 0 ? [] : ["single codes"];
  return [records.types.map(code).join(" "), ...observations, ...singly]
    .filter((one) => one !== "")
    .join("<br>");
}

function range({ plausible: { low, high } }: QuantityCode): string {
  return `${low} to ${high}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

if (import.meta.main) {
  const fresh = codesPage(shippedTerminology);
  if (!process.argv.includes("--check")) writeFileSync(page, fresh);
  else if (readFileSync(page, "utf8") !== fresh) {
    process.stdout.write('docs/codes.md is not what packages/terminology/data says; run "make generate"\n');
    process.exitCode = 1;
  }
}
