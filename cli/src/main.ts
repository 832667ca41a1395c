#!/usr/bin/env node
import { describeFailure } from "./failure.ts";
import { createProgram } from "./program.ts";

const program = createProgram();
try {
  await program.parseAsync(process.argv);
} catch (error) {
  const { exitCode, lines, json } = describeFailure(error);
  const wantsJson = process.argv.includes("--json");
  process.stderr.write(wantsJson ? `${JSON.stringify(json)}\n` : `${lines.join("\n")}\n`);
  process.exitCode = exitCode;
}
