/** The package pkcs11js, which reaches a token behind PKCS #11: native code, built only where it is wanted. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ToolsError } from "./wheels.ts";

const name = "pkcs11js";
export const pkcs11jsVersion = "2.1.7";

const folder = fileURLToPath(new URL("../../../.tools/pkcs11/", import.meta.url));

/** Its folder of modules, for NODE_PATH; built there with a compiler and Python, in half a minute, once. */
export async function openPkcs11js(): Promise<{ readonly path: string; readonly library: unknown }> {
  const require = createRequire(`${folder}package.json`);
  if (!existsSync(`${folder}node_modules/pkcs11js/build/Release/pkcs11.node`)) await build();
  return { path: `${folder}node_modules`, library: require(name) };
}

async function build(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const manifest = {
    private: true,
    dependencies: { [name]: pkcs11jsVersion },
    allowScripts: { [name]: true },
  };
  writeFileSync(`${folder}package.json`, JSON.stringify(manifest));
  // The headers of the Node that runs here lie beside it: none are loaded from elsewhere.
  const nodedir = dirname(dirname(process.execPath));
  try {
    await promisify(execFile)("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: folder,
      env: { ...process.env, ...(existsSync(`${nodedir}/include/node`) && { npm_config_nodedir: nodedir }) },
    });
  } catch (cause) {
    throw new ToolsError(`pkcs11js cannot be built: npm, a C++ compiler and Python are needed`, { cause });
  }
}
