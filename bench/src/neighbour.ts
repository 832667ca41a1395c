/** What the programs that measure a neighbour beside trouble share: its latency, the server's memory, a line a phase. */
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import type { Server } from "@wellapi/demo/server";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { code, type StalledScene } from "../../test/stalled/scene.ts";
import { usageOf } from "./process-usage.ts";
import { percentile } from "./statistics.ts";

/** Pages of the neighbour's patient, one after another; milliseconds. */
export async function neighbour({ clinic, idAt }: StalledScene, ms: number) {
  const client = createClient(RecordsService, clinic.transport);
  const request = { patient: await idAt(clinic), code: { code }, purpose: Purpose.TREATMENT, pageSize: 100 };
  const latencies: number[] = [];
  let failed = 0;
  for (const until = performance.now() + ms; performance.now() < until; await pause(10)) {
    const began = performance.now();
    await client.querySeries(request).catch(() => {
      failed += 1;
    });
    latencies.push(performance.now() - began);
  }
  const at = (share: number) => Math.round(percentile(latencies, share) * 10) / 10;
  return { calls: latencies.length, failed, p50: at(0.5), p99: at(0.99), longest: at(1) };
}

export function residentMiB({ pid }: Server): number {
  return Math.round(usageOf(pid).rssBytes / 1_048_576);
}

export function tell(phase: string, facts: object): void {
  process.stdout.write(`${JSON.stringify({ phase, ...facts })}\n`);
}
