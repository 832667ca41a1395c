/** The documentation as it is built, without a browser: nothing in it leads nowhere, and nothing is left out. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { allGroups } from "../pages/all.ts";
import { docsFolder } from "../pages/documents.ts";
import { textOf } from "../pages/html.ts";
import { brokenLinks } from "../pages/links.ts";
import { createMarkdown } from "../pages/markdown.ts";
import { documentOf } from "../pages/template.ts";
import { readContract, rpcsOf } from "../reference/contract.ts";
import { rulesOf } from "../reference/rules.ts";

const groups = allGroups();
const pages = groups.flatMap((group) => group.pages);
const pageOf = (path: string) => pages.find((page) => page.path === path)!;
const parts = { groups, styles: ["a.css"], mark: "m.svg", script: "s.js", index: "i.json" };

test("every file of docs/ is a page, every page is in the navigation, and no two share a path", () => {
  const files = readdirSync(docsFolder, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".md"),
  );
  const paths = pages.map(({ path }) => path);
  expect(
    files
      .map((name) => (name === "README.md" ? "" : name.slice(0, -3)))
      .filter((path) => !paths.includes(path)),
  ).toEqual([]);
  expect(new Set(paths).size).toBe(paths.length);
  const navigation = /<nav class="contents".*?<\/nav>/s.exec(documentOf(pageOf("guide"), parts))![0];
  const linked = [...navigation.matchAll(/href="\/docs\/([^"]*)"/g)].map(([, path]) => path);
  expect(linked).toEqual(paths);
  expect(navigation.match(/aria-current="page"/g)).toHaveLength(1);
});

test("every link leads to a page and a place of it, and one that does not is found", () => {
  expect(
    pages.reduce((sum, { body }) => sum + (body.match(/ href="(#|\/docs\/)/g)?.length ?? 0), 0),
  ).toBeGreaterThan(1_000);
  expect(brokenLinks(pages)).toEqual([]);
  const wrong = {
    path: "wrong",
    title: "",
    body: '<a href="/docs/nowhere">a</a><a href="/docs/guide#nowhere">b</a><a href="#c">c</a>',
  };
  expect(brokenLinks([...pages, wrong])).toHaveLength(3);
});

test("every service, RPC and message of the contracts has its place", () => {
  const contract = readContract();
  for (const { name } of contract.tags) {
    const { body } = pageOf(`reference/${name}`);
    const rpcs = rpcsOf(contract, name);
    expect(rpcs.length).toBeGreaterThan(0);
    for (const rpc of rpcs)
      expect([rpc.path, body.includes(`<h2 id="${rpc.name}">`)]).toEqual([rpc.path, true]);
  }
  expect(
    pages.reduce(
      (sum, { path, body }) =>
        sum + (path.startsWith("reference/types/") ? body.match(/<h2 id=/g)!.length : 0),
      0,
    ),
  ).toBe(Object.keys(contract.components.schemas).length);
  const { body } = pageOf("reference/wellapi.ingestion.v1.IngestionService");
  const section = textOf(/<h2 id="CreateSeries">.*?<\/section>/s.exec(body)![0]);
  expect(section).toContain("who may call it application");
  expect(section).toContain("1024 KiB");
  expect(body).toContain('<h2 id="StreamSeries">');
  expect(() => rulesOf({ minContains: 2 } as never)).toThrow("minContains");
});

test("every reason that the contracts name is explained, and their words lead to it", () => {
  const folder = new URL("../../../proto/", import.meta.url);
  const lines = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".proto"))
    .flatMap((name) => readFileSync(new URL(name, folder), "utf8").split("\n"));
  const words = (text: string) => text.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g) ?? [];
  const declared = new Set(lines.map((line) => line.replace(/\/\/.*/, "")).flatMap(words));
  const codes = [
    "INVALID_ARGUMENT",
    "FAILED_PRECONDITION",
    "RESOURCE_EXHAUSTED",
    "PERMISSION_DENIED",
    "ALREADY_EXISTS",
  ];
  const named = new Set(
    lines
      .flatMap((line) => words(/\/\/.*/.exec(line)?.[0] ?? ""))
      .filter((word) => !declared.has(word) && !codes.includes(word) && word !== "UPPER_SNAKE_CASE"),
  );
  const explained = new Set(
    [...pageOf("reasons").body.matchAll(/<h2 id="[^"]+">([A-Z0-9_]+)/g)].map(([, reason]) => reason),
  );
  expect(named.size).toBeGreaterThan(50);
  expect([...named].filter((reason) => !explained.has(reason))).toEqual([]);
  expect(pageOf("reference/wellapi.consent.v1.ConsentRequestService").body).toContain(
    '<a href="/docs/reasons#beyond_request">BEYOND_REQUEST</a>',
  );
});

test("a page has no script, style or handler in its text, and HTML in Markdown is text", () => {
  const { render } = createMarkdown({ target: (href) => href });
  expect(
    render(
      '<script>alert(1)</script>\n\na <img src=x onerror="alert(1)"> b<br>c\n\n<!-- file: x -->\n\n`<b>`',
    ),
  ).not.toMatch(/<(?:script|img|b)\b|file: x/);
  expect(render("a<br>b")).toContain("<br>");
  for (const page of pages) {
    const document = documentOf(page, parts);
    expect(document.match(/<script/g)).toEqual(["<script"]);
    expect(document).not.toMatch(/<style|<[^>]+ (?:style|on\w+)="/);
    expect(document.match(/<h1[ >]/g)).toHaveLength(1);
  }
});
