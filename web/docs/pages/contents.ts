/** The files of docs/ that are pages, in the order of the navigation. */
export interface Chapter {
  readonly title: string;
  /** In docs/, without `.md`. */
  readonly files: readonly string[];
}

export const chapters: readonly Chapter[] = [
  { title: "Start", files: ["README", "guide", "guide-languages", "openapi", "patient"] },
  {
    title: "Concepts",
    files: [
      "concepts/patient-ids",
      "concepts/consent-and-decisions",
      "concepts/series",
      "concepts/times",
      "concepts/idempotency",
      "concepts/errors",
      "concepts/revocation",
      "concepts/log-and-proofs",
    ],
  },
  { title: "Contracts", files: ["contracts", "reasons", "permissions", "scopes", "versions", "changelog"] },
  { title: "Health data", files: ["codes", "terminology", "fhir", "vendors"] },
  {
    title: "Operation and security",
    files: ["operations", "security", "policies", "performance", "reliability"],
  },
  { title: "Inside", files: ["architecture", "adding-a-service", "adding-a-version", "testing"] },
];

/** Each decision is a page, too: the files of this folder of docs/, by number. */
export const decisionsFolder = "decisions";

/** The path of the page of a file of docs/, below `/docs/`. */
export function pathOfFile(file: string): string {
  return file === "README" ? "" : file;
}
