#!/usr/bin/env node
import { processIo } from "./io.ts";
import { run } from "./program.ts";

// A reader that stops early (`| head`) is not a failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await run(processIo(), process.argv.slice(2));
