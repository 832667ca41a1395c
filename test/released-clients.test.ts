/**
 * The client libraries as they were released, against this exchange: docs/versions.md says which are tried where. Python's is in
 * sdk-languages.it.test.ts, which has its libraries; Java's takes `make released-clients`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { temporaryFolder } from "@wellapi/demo/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileReleasedJavaSdk } from "../scripts/java-sdk.ts";
import { releases, unpackClients } from "../scripts/release/releases.ts";
import { describeExchange } from "./described-exchange.ts";
import { sharedExchange } from "./shared-exchange.ts";

async function run(program: string, args: readonly string[]): Promise<readonly string[]> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
  return out.trim().split("\n");
}

/** A program ends by itself where something does not hold; what it tries is the release's own list. */
function expectAll(lines: readonly string[]): void {
  expect(lines.length).toBeGreaterThan(5);
  expect(lines.filter((line) => !line.startsWith("ok "))).toEqual([]);
}

describe.each(releases())("the client libraries of $version", (release) => {
  const folder = temporaryFolder();
  const credentials = join(folder.path, "credentials");
  const described = join(credentials, "here.json");

  beforeAll(() => describeExchange(sharedExchange(), credentials));
  afterAll(() => folder.remove());

  test("TypeScript's writes, reads, follows and verifies at this exchange", async () => {
    const program = join(unpackClients(release), "sdk/typescript/test/against-exchange.ts");
    expectAll(await run(process.execPath, [program, described]));
  });

  test.runIf(process.env.WELLAPI_TRY_RELEASED_JAVA)(
    "Java's writes, reads, follows and verifies at this exchange",
    async () => {
      const classPath = compileReleasedJavaSdk(unpackClients(release), release.contracts);
      expectAll(await run("java", ["-cp", classPath, "AgainstExchange", described]));
    },
    600_000,
  );
});
