import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Inputs that made a parser fail once, a folder a target. They are kept for ever: a test runs each. */
export const crashFolder = join(import.meta.dirname, "crashes");

export function readCrashes(target: string, folder = crashFolder): { name: string; input: Uint8Array }[] {
  const own = join(folder, target);
  if (!existsSync(own)) return [];
  return readdirSync(own)
    .filter((name) => name.endsWith(".hex"))
    .map((name) => ({
      name,
      input: new Uint8Array(Buffer.from(readFileSync(join(own, name), "utf8").trim(), "hex")),
    }));
}

/** Returns the path of the file. */
export function keepCrash(target: string, input: Uint8Array, folder = crashFolder): string {
  const own = join(folder, target);
  mkdirSync(own, { recursive: true });
  const path = join(own, `${createHash("sha256").update(input).digest("hex").slice(0, 16)}.hex`);
  writeFileSync(path, `${Buffer.from(input).toString("hex")}\n`);
  return path;
}
