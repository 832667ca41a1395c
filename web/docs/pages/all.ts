import { readContract } from "../reference/contract.ts";
import { reasonsOf, referenceGroups } from "../reference/pages.ts";
import { documentGroups } from "./documents.ts";
import { brokenLinks } from "./links.ts";
import type { Group, Page } from "./page.ts";

/** For paths that no page has; in no navigation. */
export const missingPage: Page = {
  path: "missing",
  title: "No such page",
  body: '<h1>No such page</h1>\n<p>The contents beside this lead to every page. <a href="/docs/">Begin at the start</a>, or search.</p>\n',
};

/** Every page, by group. Throws where one links to a place that is not there. */
export function allGroups(): readonly Group[] {
  const documents = documentGroups();
  const reasons = documents.flatMap(({ pages }) => pages).find(({ path }) => path === "reasons");
  if (reasons === undefined) throw new Error("the page of reasons is missing");
  const reference = referenceGroups(readContract(), reasonsOf(reasons));
  const decisions = documents.length - 1;
  const groups = [...documents.slice(0, decisions), ...reference, ...documents.slice(decisions)];
  const broken = brokenLinks(groups.flatMap(({ pages }) => pages));
  if (broken.length > 0) throw new Error(`links that lead nowhere:\n${broken.join("\n")}`);
  return groups;
}
