/**
 * `make upgrade FROM=<commit>`: the program of an earlier commit writes a data folder and is killed; this tree's program
 * opens it. What was told before must be told after (further fields may be), the log must still verify, and changes must still work.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Announcement, temporaryFolder } from "@wellapi/demo/server";

const here = fileURLToPath(new URL("../..", import.meta.url));
const say = (line: string) => process.stdout.write(`${line}\n`);

/** A program: a tree with its dependencies installed. */
interface Tree {
  readonly name: string;
  readonly path: string;
}

interface Running extends Announcement {
  /** Runs a command of the tree's own CLI; gives what it printed. Throws where it does not exit as expected. */
  cli(parameters: readonly string[], exit?: number): string;
  end(signal: NodeJS.Signals): Promise<void>;
}

/** What both programs are asked. Answers name no time of their own, so they can be compared as text. */
interface Story {
  readonly ask: Readonly<Record<string, readonly string[]>>;
  readonly consent: string;
  readonly patient: string;
  readonly clinic: string;
}

const month = ["--from", "2016-04-01T00:00:00Z", "--to", "2016-05-13T00:00:00Z"];

async function main(): Promise<void> {
  const from = process.env.FROM;
  if (!from) throw new Error("name the earlier program: make upgrade FROM=<commit>");
  const folder = temporaryFolder();
  const earlier: Tree = { name: from, path: join(folder.path, "earlier") };
  const later: Tree = { name: "this tree", path: here };
  try {
    install(earlier, from);
    const dataDir = join(folder.path, "data");
    const files = join(folder.path, "files");
    mkdirSync(files);

    const before = await start(earlier, dataDir);
    const operatorKey = before.operatorKey!;
    const story = tell(before, files);
    const told = answers(before, story);
    const checkpoint = join(files, "before.checkpoint");
    writeFileSync(checkpoint, `${before.cli(["audit", "checkpoint"])}\n`);
    await before.end("SIGKILL");
    say(`${earlier.name} wrote ${Object.keys(told).length} answers, and was killed`);

    const after = await start(later, dataDir, operatorKey);
    const toldNow = answers(after, story);
    for (const [question, answer] of Object.entries(told)) {
      if (answer === "") throw new Error(`${question}: nothing was told, so nothing is compared`);
      const now = toldNow[question] ?? "";
      if (now === answer) say(`✓ ${question}: as before (${answer.length} characters)`);
      else if (tellsAll(parsed(answer), parsed(now))) say(`✓ ${question}: as before, in further fields`);
      else throw new Error(differs(question, answer, now));
    }
    changes(after, story, checkpoint);
    await after.end("SIGTERM");
    execFileSync(process.execPath, [join(here, "cli/src/main.ts"), "check", "--data", dataDir], {
      stdio: ["ignore", "inherit", "ignore"],
    });
    say("✓ wellapi check: whole");
  } finally {
    execFileSync("git", ["-C", here, "worktree", "remove", "--force", earlier.path]);
    folder.remove();
  }
}

/** A worktree of the commit, with the dependencies that its own lockfile names. */
function install({ path }: Tree, commit: string): void {
  execFileSync("git", ["-C", here, "worktree", "add", "--quiet", "--detach", path, commit]);
  execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: path, stdio: "inherit" });
}

async function start(tree: Tree, dataDir: string, operatorKey?: string): Promise<Running> {
  const node = join(tree.path, "node_modules/.bin/node");
  const program = join(tree.path, "cli/src/main.ts");
  const child = spawn(node, [program, "start", "--json"], {
    env: {
      ...process.env,
      WELLAPI_DATA_DIR: dataDir,
      WELLAPI_MASTER_KEY_FILE: join(dataDir, "keys", "master.key"),
      WELLAPI_GRPC_PORT: "0",
      WELLAPI_HTTP_PORT: "0",
      WELLAPI_HOST: "127.0.0.1",
      WELLAPI_LOG_LEVEL: "warn",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
  const ended = once(child, "exit");
  const line = once(createInterface({ input: child.stdout! }), "line") as Promise<[string]>;
  const early = ended.then(([code]) => {
    throw new Error(`the program of ${tree.name} ended with code ${code} before it served`);
  });
  const [text] = await Promise.race([line, early]);
  const announcement = JSON.parse(text) as Announcement;
  const env = {
    ...process.env,
    WELLAPI_URL: announcement.http,
    WELLAPI_GRPC_URL: announcement.grpc,
    WELLAPI_API_KEY: operatorKey ?? announcement.operatorKey,
  };
  return {
    ...announcement,
    cli(parameters, exit = 0) {
      try {
        const out = execFileSync(node, [program, ...parameters], {
          env,
          encoding: "utf8",
          stdio: "pipe",
          maxBuffer: 2 ** 28,
        });
        if (exit === 0) return out.trim();
      } catch (error) {
        const { status, stdout, stderr } = error as { status?: number; stdout?: string; stderr?: string };
        if (status === exit) return `${stdout}${stderr}`.trim();
        throw new Error(`wellapi ${parameters.join(" ")} (${tree.name}): exit ${status}\n${stderr}`);
      }
      throw new Error(`wellapi ${parameters.join(" ")} (${tree.name}): exit 0, expected ${exit}`);
    },
    async end(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

/** A maker, a clinic, a patient, a month of heart rates and steps. */
function tell({ cli }: Running, files: string): Story {
  const data = (name: string) => join(here, "test/data/fitbit", name);
  const enrol = (name: string) => {
    const organization = cli(["organization", "create", name]);
    const application = cli(["application", "create", "app", "--organization", organization]);
    cli(["credential", "issue", "--out", join(files, name), "--application", application]);
    return organization;
  };
  const maker = enrol("maker");
  const clinic = enrol("clinic");
  const patient = cli(["patient", "create", "Participant 2022484408", "--time-zone", "Europe/Berlin"]);
  const consent = (grantee: string, ...what: string[]) =>
    JSON.parse(cli(["consent", "create", "--as-patient", patient, "--grantee", grantee, ...what, "--json"]))
      .id as string;
  consent(maker, "--direction", "contribute", "--category", "heart", "activity");
  const read = ["--direction", "read", "--category", "heart", "activity", "--purpose", "treatment"];
  const raw = consent(clinic, ...read, "--resolution", "raw");
  const seenBy = (organization: string) => {
    const out = cli(["consent", "list", "--credentials", join(files, organization), "--json"]);
    return JSON.parse(out.split("\n")[0]!).patient as string;
  };
  const send = (file: string, code: string, unit: string, ...others: string[]) =>
    cli([
      "ingest",
      data(file),
      "--credentials",
      join(files, "maker"),
      "--patient",
      seenBy("maker"),
      "--code",
      code,
      "--unit",
      unit,
      "--time-zone",
      "UTC",
      ...others,
    ]);
  send("minute-heart-rate-2022484408.csv", "8867-4", "/min");
  send("minute-steps-2022484408.csv", "55423-8", "{steps}");
  const as = (organization: string) => [
    "--credentials",
    join(files, organization),
    "--patient",
    seenBy(organization),
  ];
  return {
    patient,
    consent: raw,
    clinic: join(files, "clinic"),
    ask: {
      // As CSV: how many samples one message has is no promise.
      "heart rates, sample by sample": ["read", ...as("clinic"), "--code", "8867-4", ...month],
      "heart rates by hour": [
        "aggregate",
        ...as("clinic"),
        "--code",
        "8867-4",
        "--by",
        "hour",
        ...month,
        "--json",
      ],
      "steps by day": ["aggregate", ...as("clinic"), "--code", "55423-8", "--by", "day", ...month, "--json"],
      "what there is": ["series", "list", ...as("clinic"), "--json"],
      "the patient's consents": ["consent", "list", "--as-patient", patient, "--json"],
    },
  };
}

function answers({ cli }: Running, { ask }: Story): Record<string, string> {
  return Object.fromEntries(Object.entries(ask).map(([question, parameters]) => [question, cli(parameters)]));
}

/** The log goes on from what it was, and a patient's decisions count as before. */
function changes(running: Running, { patient, consent, ask }: Story, checkpoint: string): void {
  const { cli } = running;
  const entries = cli(["audit", "list", "--as-patient", patient, "--limit", "1000", "--json"]).split("\n");
  const oldest = JSON.parse(entries.at(-1)!).id as string;
  cli(["audit", "verify", oldest, "--as-patient", patient, "--since", checkpoint]);
  say(
    `✓ the log of ${entries.length} entries of the patient contains the log of before, and its oldest entry`,
  );
  cli(["consent", "revoke", consent, "--as-patient", patient]);
  const refused = cli(ask["heart rates by hour"]!, 4);
  if (!refused.includes("CONSENT_REQUIRED") && !/consent/i.test(refused)) throw new Error(refused);
  say("✓ a revocation counts");
  cli(["erase", patient, "--as-patient", patient, "--yes"]);
  say("✓ the patient is erased");
}

/** An answer's JSON, whole or a line each; the text itself where it is none. */
function parsed(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    try {
      return answer.split("\n").map((line) => JSON.parse(line));
    } catch {
      return answer;
    }
  }
}

/** Whether each value that was told is told still, and no list has more or fewer: a later program may add fields, and change none. */
function tellsAll(before: unknown, after: unknown): boolean {
  if (typeof before !== "object" || before === null || typeof after !== "object" || after === null) {
    return before === after;
  }
  if (Array.isArray(before) !== Array.isArray(after)) return false;
  if (Array.isArray(before) && before.length !== (after as unknown[]).length) return false;
  const now = after as Record<string, unknown>;
  return Object.entries(before).every(([name, value]) => tellsAll(value, now[name]));
}

function differs(question: string, before: string, after: string): string {
  let at = 0;
  while (at < before.length && before[at] === after[at]) at += 1;
  const around = (text: string) => text.slice(Math.max(0, at - 80), at + 80);
  return `${question}: another answer, from character ${at}\n  before: …${around(before)}…\n  after:  …${around(after)}…`;
}

await main();
