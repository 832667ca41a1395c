/** docs/guide-languages.md, run as it stands there against a real server. It fetches packages of each language. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { connect, connectAsPatient, createClient } from "@wellapi/client";
import { enrolOrganization, enrolPatient } from "@wellapi/client/enrolment";
import { temporaryFolder } from "@wellapi/demo/server";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sharedExchange } from "./shared-exchange.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const guide = readFileSync(join(root, "docs/guide-languages.md"), "utf8");

/** A code block: a file to write, or commands to run. */
interface Block {
  readonly file: string | undefined;
  readonly text: string;
}

/** The blocks below a heading of the second level, in their order. */
function blocksOf(heading: string): Block[] {
  const section = guide.split(`\n## ${heading}\n`)[1]!.split("\n## ")[0]!;
  return [...section.matchAll(/(?:<!-- file: (\S+) -->\n)?```(\w*)\n([\s\S]*?)\n```/g)].map(
    ([, file, language, text]) => {
      if (file === undefined && language !== "sh") throw new Error(`a block of ${heading} has no file`);
      return { file, text: `${text}\n` };
    },
  );
}

const has = (program: string) => spawnSync(program, ["--version"]).error === undefined;
const hasGo = spawnSync("go", ["version"]).error === undefined;

/** Where CI is set, what a language needs must be there. */
function missing(what: string): void {
  if (process.env.CI) throw new Error(`${what} is not here`);
  process.stderr.write(`guide-languages.it.test.ts: ${what} is not here, so its program was not run\n`);
}

// They fetch and compile for minutes: not for each run on a laptop.
const wanted = process.env.CI || process.env.WELLAPI_TRY_LANGUAGES;
if (!wanted) missing("CI or WELLAPI_TRY_LANGUAGES=1");

describe.runIf(wanted)("the guide's programs", { timeout: 600_000 }, () => {
  const folder = temporaryFolder();
  const server = sharedExchange();

  beforeAll(async () => {
    const operatorKey = server.operatorKey!;
    const operator = connect({ url: server.http, apiKey: operatorKey });
    const maker = await enrolOrganization(operator, { organization: "Pulse", application: "sync" });
    const patient = await enrolPatient(operator, { displayName: "Ada", timeZone: "Europe/Berlin" });
    const person = await connectAsPatient({ url: server.http, operatorKey, patient });
    await createClient(ConsentService, person).createConsent({
      requestId: "both",
      consent: {
        grantee: maker.organization,
        provisions: [
          {
            effect: Provision_Effect.PERMIT,
            directions: [Direction.CONTRIBUTE, Direction.READ],
            categories: [{ name: "heart" }],
            purposes: [Purpose.TREATMENT],
            resolution: Resolution.RAW,
          },
        ],
      },
    });
    const credentials = join(folder.path, "work/credentials/pulse");
    mkdirSync(credentials, { recursive: true });
    for (const [name, pem] of Object.entries(maker.certificate)) {
      writeFileSync(join(credentials, `${name}.pem`), pem as string);
    }
    await follow("The contracts");
  });

  afterAll(() => folder.remove());

  /** Writes the section's files and runs its commands; what the last of them printed. */
  async function follow(heading: string): Promise<string> {
    let printed = "";
    for (const { file, text: block } of blocksOf(heading)) {
      const work = join(folder.path, "work");
      if (file === undefined) {
        printed = await run(work, block);
      } else {
        mkdirSync(dirname(join(work, file)), { recursive: true });
        writeFileSync(join(work, file), block);
      }
    }
    return printed;
  }

  async function run(cwd: string, commands: string): Promise<string> {
    const child = spawn("bash", ["-euc", commands], {
      cwd,
      env: {
        ...process.env,
        PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH}`,
        WELLAPI: root,
        OLDPWD: cwd,
        WELLAPI_DOOR: new URL(server.grpc).host,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit"),
    ]);
    expect(code, `${commands}${out}${err}`).toBe(0);
    return out;
  }

  test("a partner gets the public contracts, whole, and nothing internal", async () => {
    const files = await run(join(folder.path, "work"), "find contracts -name '*.proto' | sort");
    expect(files).toContain("contracts/wellapi/records/v1/records_service.proto");
    expect(files).toContain("contracts/buf/validate/validate.proto");
    expect(files).not.toContain("internal");
  });

  test("TypeScript", async () => {
    // What its `npm install` fetches is here.
    symlinkSync(join(root, "node_modules"), join(folder.path, "work/node_modules"));
    const out = await follow("TypeScript");
    expect(out).toMatch(/^ACCEPTED\n.*720 750 745.* at scale 1\n$/s);
  });

  test("Python", async () => {
    if (!has("python3")) return missing("python3");
    const out = await follow("Python");
    expect(out).toContain("['ACCEPTED']\n");
    expect(out).toContain(" 74.5 /min\n");
  });

  test("Go", async () => {
    if (!hasGo) return missing("go");
    const out = await follow("Go");
    expect(out).toMatch(/^STATUS_ACCEPTED\n/);
    expect(out).toContain("720 750 745] at scale 1"); // after those of the programs before
  });

  test.runIf(process.env.WELLAPI_TRY_JAVA)("Java", async () => {
    const out = await follow("Java");
    expect(out).toContain("STATUS_ACCEPTED\n");
    expect(out).toContain("2026-04-14T08:02+02:00 74.5 /min\n");
  });
});
