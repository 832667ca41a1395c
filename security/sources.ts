import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The TypeScript of what is served and of its clients, as paths from the root. */
export function sources(): readonly string[] {
  const cwd = fileURLToPath(new URL("../", import.meta.url));
  const found = globSync("{packages,services,sdk}/*/src/**/*.ts", { cwd });
  return [...found, ...globSync("{host,cli}/src/**/*.ts", { cwd })];
}
