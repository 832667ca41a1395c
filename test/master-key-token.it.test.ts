/** An exchange whose master key is in a token behind PKCS #11: no file of the installation holds it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { enrolCompany } from "@wellapi/demo/people";
import { type Server, startServer } from "@wellapi/demo/server";
import { parseExchangeConfig } from "@wellapi/host";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { openSoftHsm } from "../packages/vault/test/softhsm.ts";

const main = fileURLToPath(import.meta.resolve("@wellapi/cli/main"));
const hsm = await openSoftHsm();

describe.skipIf(!hsm)("an exchange with a token", () => {
  const folder = mkdtempSync(join(tmpdir(), "wellapi-token-"));
  const dataDir = join(folder, "data");
  let server: Server | undefined;
  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    hsm?.remove();
  });

  const pinFile = join(folder, "pin");
  const env = {
    ...hsm?.env,
    WELLAPI_DATA_DIR: dataDir,
    WELLAPI_MASTER_KEY_FILE: "",
    WELLAPI_PKCS11_MODULE: hsm?.module ?? "",
    WELLAPI_PKCS11_TOKEN: hsm?.token() ?? "",
    WELLAPI_PKCS11_PIN_FILE: pinFile,
    XDG_CONFIG_HOME: join(folder, "config"),
  };

  const start = async () => {
    server = await startServer({ dataDir, env, target: "one-process" });
    return server;
  };

  async function run(parameters: readonly string[], more: Record<string, string> = {}) {
    const child = spawn(process.execPath, [main, ...parameters], {
      env: { ...process.env, WELLAPI_GRPC_PORT: "0", WELLAPI_HTTP_PORT: "0", ...env, ...more },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit"),
    ]);
    return { code: code as number | null, out: out.trim(), err: err.trim() };
  }

  test("keeps what it sealed through restarts and a rotation, and has no key file", async () => {
    writeFileSync(pinFile, `${hsm!.pin}\n`, { mode: 0o600 });
    const first = await start();
    const { operatorKey } = first;
    const company = await enrolCompany(first, "Token Clinic", "clinic");
    await first.stop();
    server = undefined;
    expect(existsSync(env.XDG_CONFIG_HOME)).toBe(false);
    expect(readdirSync(join(dataDir, "keys")).sort()).toEqual(["patient-keys.db"]);

    const rotated = await run(["master-key", "rotate"]);
    expect([rotated.code, rotated.out]).toEqual([0, expect.stringContaining("master key 2 wraps now")]);
    await start();
    await server!.stop();
    const retired = await run(["master-key", "retire"]);
    expect([retired.code, retired.out]).toEqual([0, "master key 1 is retired"]);

    const again = await start();
    expect(again.operatorKey).toBeUndefined();
    const known = await enrolCompany({ ...again, operatorKey: operatorKey! }, "Token Clinic", "clinic");
    expect(known.organization).toBe(company.organization);
    await again.stop();
    server = undefined;
    expect(await run(["check"])).toMatchObject({ code: 0, out: expect.stringContaining("whole") });
    expect(await run(["master-key", "move"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("no file to move"),
    });
  }, 180_000);

  test.each([
    ["another token", { WELLAPI_PKCS11_TOKEN: "nobody" }, "cannot be used"],
    ["a token without its keys", { WELLAPI_PKCS11_TOKEN: hsm?.token() ?? "" }, "holds no master key"],
    ["no pkcs11js", { NODE_PATH: "" }, "npm install --no-save pkcs11js@2.1.7"],
    ["a PIN's file that is not there", { WELLAPI_PKCS11_PIN_FILE: "/nowhere/pin" }, "PIN"],
  ])(
    "with %s says so in one line, and does not start",
    async (_name, more, words) => {
      const { code, err } = await run(["start"], more);
      expect(code).toBe(1);
      expect(err.split("\n")).toEqual([expect.stringContaining(words)]);
      expect(err).not.toContain(hsm!.pin);
    },
    60_000,
  );

  test("and with a file, too, is asked which of the two it is", () => {
    expect(() => parseExchangeConfig({ ...env, WELLAPI_MASTER_KEY_FILE: "/k" })).toThrow("are both set");
  });
});
