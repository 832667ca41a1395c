/** The contracts as the client libraries get them, generated for a language by its plugins. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Options that only the server reads, and whose packages few languages bring at their place. */
const serverOptions = [
  "buf.validate",
  "google.api",
  "wellapi.type.v1.service_callers",
  "wellapi.type.v1.method_callers",
  "wellapi.type.v1.max_request_bytes",
  "wellapi.type.v1.service_deprecation",
  "wellapi.type.v1.method_deprecation",
  "wellapi.type.v1.field_deprecation",
  "wellapi.type.v1.destructive",
];

/** The public contracts, without what only the server reads. */
export const publicContracts = { directory: "proto", exclude_types: serverOptions };

/** The same of a release, from its image. */
export function releasedContracts(image: string): object {
  return { binary_image: image, exclude_types: serverOptions };
}

/** Runs buf's plugins, as in buf.gen.yaml, over the inputs. Throws with what buf printed. */
export function generateContracts(inputs: readonly object[], plugins: readonly object[]): void {
  run("buf", ["generate", "--template", JSON.stringify({ version: "v2", inputs, plugins })], root);
}

/** Runs a tool of a build; throws with what it printed. */
export function run(command: string, args: readonly string[], cwd: string): string {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}
