#!/usr/bin/env node
import { describeFailure } from "./failure.ts";
import { createProgram } from "./program.ts";

// A reader that leaves early (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

const program = createProgram();
try {
  await program.parseAsync(process.argv);
} catch (error) {
  const { exitCode, lines, json } = describeFailure(error);
  const wantsJson = process.argv.includes("--json");
  process.stderr.write(wantsJson ? `${JSON.stringify(json)}\n` : `${lines.join("\n")}\n`);
  process.exitCode = exitCode;
}
