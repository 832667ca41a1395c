import { type FhirResource, type FhirValue, isObject } from "@wellapi/fhir-r4";

/** A series, as the summary tells of it. */
export interface OutlinedSeries {
  readonly code: string;
  readonly display: string;
  readonly organization: string;
  readonly device: string;
  readonly units: readonly string[];
  readonly from: Date | undefined;
  readonly to: Date | undefined;
  readonly count: number;
}

interface OutlinedResource {
  readonly title: string;
  readonly date: string;
  readonly status: string;
}

/** What a record holds, in bounded memory: of each type of resources the number, and what the first hundreds say. */
export interface Outline {
  /** Codes of series, sorted. */
  readonly measured: readonly string[];
  /** Codes of observations, sorted. */
  readonly observed: readonly string[];
  /** FHIR's names of the resources' types, sorted. */
  readonly types: readonly string[];
  readonly series: readonly OutlinedSeries[];
  readonly observations: ReadonlyMap<string, { readonly display: string; readonly count: number }>;
  readonly resources: ReadonlyMap<
    string,
    { readonly count: number; readonly first: readonly OutlinedResource[] }
  >;
  addSeries(series: OutlinedSeries): void;
  addObservation(code: string, display: string): void;
  addResource(resource: FhirResource): void;
}

const mostSeries = 5_000;
const mostOfType = 300;

export function createOutline(): Outline {
  const series: OutlinedSeries[] = [];
  const measured = new Set<string>();
  const observations = new Map<string, { display: string; count: number }>();
  const resources = new Map<string, { count: number; first: OutlinedResource[] }>();
  return {
    get measured() {
      return [...measured].sort();
    },
    get observed() {
      return [...observations.keys()].sort();
    },
    get types() {
      return [...resources.keys()].sort();
    },
    series,
    observations,
    resources,
    addSeries(one) {
      measured.add(one.code);
      if (series.length < mostSeries) series.push(one);
    },
    addObservation(code, display) {
      const { count } = observations.get(code) ?? { count: 0 };
      observations.set(code, { display, count: count + 1 });
    },
    addResource(resource) {
      const { count, first } = resources.get(resource.resourceType) ?? { count: 0, first: [] };
      if (first.length < mostOfType) first.push(outlined(resource));
      resources.set(resource.resourceType, { count: count + 1, first });
    },
  };
}

/** Elements that say what a resource is about, by their usual names. */
const titles = ["code", "vaccineCode", "medicationCodeableConcept", "type", "category", "name"] as const;
const dates = [
  "onsetDateTime",
  "effectiveDateTime",
  "occurrenceDateTime",
  "performedDateTime",
  "authoredOn",
  "recordedDate",
  "date",
  "created",
  "issued",
] as const;

function outlined(resource: FhirResource): OutlinedResource {
  const title = titles.map((name) => wordsOf(resource[name])).find((words) => words !== "") ?? "";
  const date = [
    ...dates.map((name) => resource[name]),
    startOf(resource.period),
    startOf(resource.effectivePeriod),
  ];
  const status = typeof resource.status === "string" ? resource.status : wordsOf(resource.clinicalStatus);
  return { title, date: date.find((one) => typeof one === "string") ?? "", status };
}

function startOf(period: FhirValue | undefined): FhirValue | undefined {
  return isObject(period) ? period.start : undefined;
}

/** The words of a CodeableConcept, a Coding, a text, or the first of several. */
function wordsOf(value: FhirValue | undefined): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return wordsOf(value[0]);
  if (!isObject(value)) return "";
  if (typeof value.text === "string") return value.text;
  if (typeof value.display === "string") return value.display;
  return value.coding === undefined
    ? typeof value.code === "string"
      ? value.code
      : ""
    : wordsOf(value.coding);
}

const style =
  "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;width:100%;margin:0 0 2rem}caption,th,td{text-align:left;padding:.3rem .6rem .3rem 0;vertical-align:top}th,td{border-bottom:1px solid #ccc}caption{font-weight:600}";

/** Which part of a record a page tells of. */
export interface OutlinedPart {
  /** Names of categories; empty: all. */
  readonly categories: readonly string[];
  readonly from: Date | undefined;
  readonly to: Date | undefined;
}

export interface SummaryTerms {
  readonly patient: string;
  readonly made: Date;
  /** Undefined: the whole record. */
  readonly part: OutlinedPart | undefined;
  /** What lies beside the page. */
  readonly files: { readonly csv: boolean; readonly parquet: boolean; readonly fhir: boolean };
}

/** A page that a person reads. It has no script and loads nothing. */
export function summaryHtml(
  { series, observations, resources }: Outline,
  { patient, made, part, files }: SummaryTerms,
): string {
  const title = part === undefined ? "Your health record" : "A part of your health record";
  const measured = table(
    "What was measured",
    ["What", "Code", "Unit", "From", "To", "Values", "Device", "Sent by"],
    series.map(({ code, display, units, from, to, count, device, organization }) => [
      display,
      code,
      units.join(", "),
      dayOf(from),
      dayOf(to),
      String(count),
      device,
      organization,
    ]),
  );
  const observed = table(
    "Observations",
    ["What", "Code", "Number"],
    [...observations].sort().map(([code, { display, count }]) => [display, code, String(count)]),
  );
  const clinical = [...resources]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([type, { count, first }]) => {
      const more = count > first.length ? ` (the first ${first.length} of ${count})` : ` (${count})`;
      return table(
        `${type}${more}`,
        ["What", "When", "Status"],
        first.map(({ title, date, status }) => [title, date, status]),
      );
    });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<h1>${title}</h1>
<p>Made on ${escaped(made.toISOString())} for ${escaped(patient)}. ${partText(part)}</p>
<p>${filesText(files, resources.size > 0)}Keep it safe: whoever has it can read it.</p>
${measured}${observed}${clinical.join("")}</body>
</html>
`;
}

/** What is not in it must not be taken for what there is not. */
function partText(part: OutlinedPart | undefined): string {
  if (part === undefined) return "It is about all of the record.";
  const { categories, from, to } = part;
  const kinds = categories.length === 0 ? "all kinds of data" : escaped(categories.join(", "));
  const since = from === undefined ? "" : ` from ${from.toISOString()} on`;
  const until = to === undefined ? "" : ` before ${to.toISOString()}`;
  const dated = since + until === "" ? "" : "; clinical records without a date are not in it";
  return `It is about a part of the record: ${kinds}${since}${until}${dated}.`;
}

/** `clinical`: whether there are records that FHIR's files alone have. */
function filesText({ csv, parquet, fhir }: SummaryTerms["files"], clinical: boolean): string {
  const folders = [
    ...(csv ? ["<code>csv/</code> for tables"] : []),
    ...(parquet ? ["<code>parquet/</code> for programs that analyse"] : []),
    ...(fhir ? ["<code>fhir/</code> for other health applications (FHIR R4, one resource a line)"] : []),
  ];
  const beside = folders.length === 0 ? "" : `The files beside this page: ${folders.join(", ")}. `;
  return clinical && !fhir
    ? `${beside}No file holds the clinical records below: those are FHIR's, which were not asked for. `
    : beside;
}

function dayOf(date: Date | undefined): string {
  return date === undefined ? "" : date.toISOString().slice(0, 10);
}

function table(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const cells = (tag: string, row: readonly string[]) =>
    row.map((one) => `<${tag}>${escaped(one)}</${tag}>`).join("");
  return `<table><caption>${escaped(caption)}</caption><thead><tr>${cells("th", head)}</tr></thead><tbody>
${rows.map((row) => `<tr>${cells("td", row)}</tr>`).join("\n")}
</tbody></table>
`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}
