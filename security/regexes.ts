/** Regular expressions that take a time out of proportion to their input: whoever sends the input could hold the process. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseSync } from "@swc/core";
import { check } from "recheck";
import { sources } from "./sources.ts";

interface Found {
  readonly file: string;
  readonly pattern: string;
  readonly flags: string;
}

const root = fileURLToPath(new URL("../", import.meta.url));

/** Looked at, each with the reason why its input cannot be long. */
const accepted: ReadonlyMap<string, string> = new Map([
  [
    String.raw`/\beyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){1,4}/g`,
    "packages/runtime/src/redaction.ts searches 4,000 characters at most",
  ],
]);

/** Each literal of what is served and each pattern of the contracts, judged by recheck. Returns those that are vulnerable, or that it cannot judge. */
export async function checkRegexes(): Promise<readonly string[]> {
  const literals = new Map<string, Found>();
  for (const file of sources()) {
    for (const found of regexesOf(file)) literals.set(`/${found.pattern}/${found.flags}`, found);
  }
  const patterns = contractPatterns();
  if (literals.size === 0 || patterns.length === 0)
    return ["no regular expression was found: the search is broken"];
  for (const found of patterns) literals.set(`/${found.pattern}/${found.flags}`, found);
  const problems: string[] = [];
  for (const [text, { file, pattern, flags }] of literals) {
    if (accepted.has(text)) continue;
    const verdict = await check(pattern, flags.replaceAll(/[gvdy]/g, ""), { timeout: 20_000 });
    if (verdict.status !== "safe") {
      const why = verdict.status === "vulnerable" ? verdict.complexity.summary : verdict.error.kind;
      problems.push(`${file}: ${text}: ${why}`);
    }
  }
  return problems;
}

/** What `packages/rpc` compiles for `string.pattern` of the contracts. A resource's name pattern has braces, and is none. */
function contractPatterns(): readonly Found[] {
  return globSync(["proto/**/*.proto", "proto-internal/**/*.proto"], { cwd: root }).flatMap((file) =>
    [...readFileSync(root + file, "utf8").matchAll(/\bpattern:\s*("(?:[^"\\]|\\.)*")/g)]
      .map(([, literal]) => ({ file, pattern: String(JSON.parse(literal!)), flags: "u" }))
      .filter(({ pattern }) => !pattern.startsWith("{")),
  );
}

function regexesOf(file: string): readonly Found[] {
  const tree = parseSync(readFileSync(root + file, "utf8"), { syntax: "typescript", target: "es2022" });
  const found: Found[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(visit);
    else if (typeof node === "object" && node !== null) {
      const { type, pattern, flags } = node as { type?: unknown; pattern?: unknown; flags?: unknown };
      if (type === "RegExpLiteral") found.push({ file, pattern: String(pattern), flags: String(flags) });
      Object.values(node).forEach(visit);
    }
  };
  visit(tree);
  return found;
}
