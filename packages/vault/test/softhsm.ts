import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ToolsError } from "@wellapi/tools";
import { openPkcs11js } from "@wellapi/tools/pkcs11";
import type { Pkcs11Library } from "../src/index.ts";

/** SoftHSM: a token in software, with the driver that a real one has. */
export interface SoftHsm {
  readonly library: Pkcs11Library;
  readonly module: string;
  readonly pin: string;
  /** The settings by which another process finds it. */
  readonly env: Readonly<Record<string, string>>;
  /** A token that nobody has used. */
  token(): string;
  remove(): void;
}

/** Made beforehand: the driver does not notice tokens that another process makes after it was loaded. */
const TOKENS = 20;

/** Throws where CI is set and none can be had; a laptop skips, and says so. */
export async function openSoftHsm(): Promise<SoftHsm | undefined> {
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof ToolsError) || process.env.CI) throw error;
    process.stderr.write(`\nSKIPPED: the KMS over PKCS #11 was not tested: ${error.message}\n\n`);
    return undefined;
  }
}

async function start(): Promise<SoftHsm> {
  const module = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"].find(
    existsSync,
  );
  if (module === undefined) {
    throw new ToolsError("SoftHSM is missing: install it, for example with 'apt-get install softhsm2'");
  }
  const { library, path } = await openPkcs11js();
  const folder = mkdtempSync(join(tmpdir(), "wellapi-softhsm-"));
  mkdirSync(join(folder, "tokens"));
  const configuration = join(folder, "softhsm2.conf");
  writeFileSync(configuration, `directories.tokendir = ${join(folder, "tokens")}\nlog.level = ERROR\n`);
  // The driver reads it when it is loaded into this process.
  process.env.SOFTHSM2_CONF = configuration;
  const env = { SOFTHSM2_CONF: configuration, NODE_PATH: path };
  const pin = "1234-5678";
  const tokens = Array.from({ length: TOKENS }, (_, number) => `wellapi ${number}`);
  for (const token of tokens) {
    const secrets = ["--pin", pin, "--so-pin", "8765-4321"];
    execFileSync("softhsm2-util", ["--init-token", "--free", "--label", token, ...secrets], {
      stdio: "pipe",
    });
  }
  return {
    library: library as Pkcs11Library,
    module,
    pin,
    env,
    token() {
      const token = tokens.pop();
      if (token === undefined) throw new RangeError("make more tokens");
      return token;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
