#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { join } from "node:path";

// Half of a short call is the compilation of its sources. The folder is this installation's own: the default one, in the
// system's temporary folder, can be written by others.
enableCompileCache(
  process.env.NODE_COMPILE_CACHE ?? join(import.meta.dirname, "../../node_modules/.cache/node"),
);
const [{ processIo }, { run }] = await Promise.all([import("./io.ts"), import("./program.ts")]);

// A reader that stops early (`| head`) is not a failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await run(processIo(), process.argv.slice(2));
