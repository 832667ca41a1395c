import categories from "../data/categories.json" with { type: "json" };
import codes from "../data/codes.json" with { type: "json" };
import { createTerminology } from "./terminology.ts";
import { readDocuments, type TerminologyDocument } from "./terminology-document.ts";

export const shippedDocuments: readonly TerminologyDocument[] = [
  { name: "codes.json", content: codes },
  { name: "categories.json", content: categories },
];

/** What comes with the software, without what an installation adds. */
export const shippedTerminology = createTerminology(readDocuments(shippedDocuments));
