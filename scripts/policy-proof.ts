/**
 * Proves that a change of the default policies permits nothing that the policies before it refused: `make policy-proof`. Cedar's
 * symbolic analysis compares them with packages/policy/policies/base.cedar, what the last proof was about, for every kind of
 * caller and every action, over all roles, attributes and contexts, by a solver. A change that permits more is refused, with an
 * example, unless it says so: WIDENS="why". `--check`: whether the committed proof belongs to the committed policies.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openPolicyEngine } from "../packages/policy/src/index.ts";

const version = "4.14.1";
const folder = new URL("../packages/policy/policies/", import.meta.url);
const sources = ["callers.cedar", "data.cedar"];
const baseFile = new URL("base.cedar", folder);
const proofFile = new URL("proof.json", folder);
const tools = fileURLToPath(new URL("../.tools/cedar/", import.meta.url));

interface Proof {
  readonly cedar: string;
  /** SHA-256 of the policies that are proven, and of those that they are compared with. */
  readonly policies: string;
  readonly base: string;
  /** Requests of how many kinds, each over all roles, attributes and contexts. */
  readonly compared: number;
  readonly permits: "no more" | "more";
  /** Where it permits more: why, and for which kinds of requests. */
  readonly label?: string;
  readonly wider?: readonly string[];
}

class ProofError extends Error {}

const digestOf = (text: string) => createHash("sha256").update(text).digest("hex");
const textOf = (file: URL) => (existsSync(file) ? readFileSync(file, "utf8") : "");
/** Without comments and reasons of their own, a proof would be due for each word; so it is about the whole text. */
const policies = sources.map((name) => textOf(new URL(name, folder))).join("\n");

/** An RPC that is open to everybody, so that what forbids shows, also where no contract opens such a thing now. */
function openToAll(schema: string): string {
  const groups = [...schema.matchAll(/^action "((?:by|for) [^"]+)";$/gm)].map(([, name]) => `"${name}"`);
  const to =
    "appliesTo { principal: [Application, Member, Patient, Person, Operator], resource: [Exchange], context: Call }";
  return ["health data", "needs passkey", "needs fresh"]
    .map((group) => `action "proof/${group}" in [${[...groups, `"${group}"`].join(", ")}] ${to};`)
    .join("\n");
}

const kinds = ["Application", "Member", "Patient", "Person", "Operator"] as const;

/** Every kind of request: who, what, and on what. */
function requests(): readonly {
  readonly kind: string;
  readonly action: string;
  readonly resource: string;
}[] {
  const calls = [
    ...openPolicyEngine().actions.keys(),
    "proof/health data",
    "proof/needs passkey",
    "proof/needs fresh",
  ];
  return kinds.flatMap((kind) => [
    ...calls.map((action) => ({ kind, action, resource: "Exchange" })),
    ...["read", "contribute"].map((action) => ({ kind, action, resource: "Data" })),
  ]);
}

/** Cedar's command, built once: 20 to 40 minutes on one core. Throws ProofError without Cargo or the solver. */
function openCedar(): { readonly cedar: string; readonly solver: string } {
  const solver = process.env.CVC5 ?? "/usr/bin/cvc5";
  if (!existsSync(solver)) throw new ProofError("the solver is missing: apt-get install cvc5, or set CVC5");
  const root = `${tools}${version}`;
  const cedar = `${root}/bin/cedar`;
  if (!existsSync(cedar)) {
    process.stderr.write("Building Cedar's command by Cargo: once, for half an hour\n");
    const features = ["--features", "analyze", "--locked", "-j1"];
    const build = [
      "-n",
      "19",
      "cargo",
      "install",
      `cedar-policy-cli@${version}`,
      ...features,
      "--root",
      root,
    ];
    const run = spawnSync("nice", build, { stdio: "inherit" });
    if (run.status !== 0) throw new ProofError("Cedar's command was not built: cargo is needed");
  }
  return { cedar, solver };
}

function prove(label: string | undefined): Proof {
  const { cedar, solver } = openCedar();
  const schema = textOf(new URL("schema.cedarschema", folder));
  const files = { schema: `${tools}proof.cedarschema`, now: `${tools}now.cedar`, base: `${tools}base.cedar` };
  writeFileSync(files.schema, `${schema}\n${openToAll(schema)}\n`);
  writeFileSync(files.now, policies);
  writeFileSync(files.base, textOf(baseFile) || policies);
  const all = requests();
  const wider: string[] = [];
  for (const { kind, action, resource } of all) {
    const request = [
      "--principal-type",
      kind,
      "--action",
      `Action::"${action}"`,
      "--resource-type",
      resource,
    ];
    const compare = ["implies", "--policies1", files.now, "--policies2", files.base];
    const run = spawnSync(
      cedar,
      ["symcc", "--cvc5-path", solver, ...request, "--schema", files.schema, ...compare],
      {
        encoding: "utf8",
      },
    );
    if (run.stdout.includes("VERIFIED")) continue;
    if (!run.stdout.includes("DOES NOT HOLD")) {
      throw new ProofError(`${kind} ${action}: the analysis says nothing: ${run.stdout}${run.stderr}`);
    }
    wider.push(`${kind} ${action}`);
    const example = /principal: [^\n]*\ncontext: [^\n]*/.exec(run.stdout)?.[0] ?? "";
    const who = run.stdout.match(new RegExp(`^ {2}${kind}::"[^"]*" \\{[^}]*\\}`, "m"))?.[0] ?? "";
    process.stdout.write(`permits more: ${kind} ${action}\n${example}\n${who}\n`);
  }
  if (wider.length > 0 && label === undefined) {
    throw new ProofError(
      `the policies permit more than before, in ${wider.length} kinds of requests: say why, WIDENS="..."`,
    );
  }
  return {
    cedar: version,
    policies: digestOf(policies),
    base: digestOf(textOf(baseFile) || policies),
    compared: all.length,
    permits: wider.length === 0 ? "no more" : "more",
    ...(wider.length === 0 ? {} : { label: label!, wider }),
  };
}

/** What is wrong with the committed proof; undefined: it belongs to the committed policies. */
function objection(): string | undefined {
  if (!existsSync(proofFile)) return "there is no proof";
  const proof = JSON.parse(textOf(proofFile)) as Proof;
  if (proof.policies !== digestOf(policies)) return "the policies are not those that were proven";
  if (digestOf(textOf(baseFile)) !== proof.policies) return "base.cedar is not what was proven";
  if (proof.permits === "more" && !proof.label) return "the policies permit more, and do not say why";
  return undefined;
}

if (process.argv.includes("--check")) {
  const wrong = objection();
  if (wrong !== undefined) {
    process.stdout.write(`packages/policy/policies: ${wrong}; run "make policy-proof"\n`);
    process.exitCode = 1;
  }
} else {
  try {
    const proof = prove(process.env.WIDENS || undefined);
    writeFileSync(proofFile, `${JSON.stringify(proof, undefined, 2)}\n`);
    writeFileSync(baseFile, policies);
    process.stdout.write(
      `${proof.compared} kinds of requests: the policies permit ${proof.permits} than before\n`,
    );
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
