/** What the programs that measure a neighbour beside trouble share: its latency, the server's memory, a line a phase. */
import type { Server } from "@wellapi/demo/server";
import { code, type StalledScene } from "../../test/stalled/scene.ts";
import type { Latency, NeighbourLoad } from "../load/neighbour.ts";
import { usageOf } from "./process-usage.ts";
import { startProgram } from "./program.ts";

export interface Neighbour {
  /** Reads pages of its patient, one after another, for so many milliseconds. */
  read(ms: number): Promise<Latency>;
  stop(): Promise<void>;
}

export async function startNeighbour(server: Server, { clinic, idAt }: StalledScene): Promise<Neighbour> {
  const program = startProgram<NeighbourLoad>("load/neighbour.ts");
  const { certificate } = clinic;
  await program.call("describe", { url: server.grpc, certificate, patient: await idAt(clinic), code });
  return { read: (ms) => program.call("read", ms), stop: program.stop };
}

export function residentMiB({ pid }: Server): number {
  return Math.round(usageOf(pid).rssBytes / 1_048_576);
}

export function tell(phase: string, facts: object): void {
  process.stdout.write(`${JSON.stringify({ phase, ...facts })}\n`);
}
