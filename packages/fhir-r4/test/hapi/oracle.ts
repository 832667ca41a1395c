/** HAPI's validator of FHIR R4 (Maven, HL7's reference implementation), offline once its libraries are here. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const home = fileURLToPath(new URL(".", import.meta.url));
const libraries = join(root, ".tools/fhir-oracle/lib");

/** What is wrong, by HAPI: `place: text`. Empty where it accepts the file. */
export type Errors = readonly string[];

export interface Hapi {
  /** Judges the file at the path. One after another, in the order of the calls. */
  errorsOf(path: string): Promise<Errors>;
  close(): Promise<void>;
}

/**
 * Starts it: one process, which loads FHIR's definitions once. Maven fetches its libraries (145 MB) before the first start.
 *
 * @param guides a folder of StructureDefinitions that it is to know beside R4's
 */
export async function openHapi(guides?: string): Promise<Hapi> {
  fetchLibraries();
  // It lives for a minute: the second compiler would cost more than it saves.
  const brief = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx1500m"];
  const parameters = [...brief, "-cp", join(libraries, "*"), join(home, "Oracle.java")];
  const child = spawn("java", [...parameters, ...(guides === undefined ? [] : [guides])], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();

  async function judge(path: string): Promise<Errors> {
    child.stdin.write(`${path}\n`);
    const errors: string[] = [];
    for (;;) {
      const { value: line, done } = await lines.next();
      if (done) throw new Error(`HAPI's validator ended at ${path}`);
      if (line === "") return errors;
      const [severity, place, text] = line.split("\t");
      if (severity === "ERROR" || severity === "FATAL") errors.push(`${place}: ${text}`);
    }
  }

  return {
    errorsOf(path) {
      const judged = last.then(() => judge(path));
      last = judged.catch(() => {});
      return judged;
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

function fetchLibraries(): void {
  if (existsSync(libraries)) return;
  mkdirSync(join(root, ".tools"), { recursive: true });
  const maven = ["-q", "-B", "-f", join(home, "pom.xml"), "package", `-Dlib=${libraries}`];
  const { status, stdout, stderr, error } = spawnSync("mvn", maven, { encoding: "utf8" });
  if (status !== 0) throw new Error(`mvn: ${error?.message ?? `${stdout}\n${stderr}`.slice(-2000)}`);
}
