/** A neighbour: reads small pages of one patient, one after another. A process of its own: trouble beside it is not in its clock. */
import { setTimeout as pause } from "node:timers/promises";
import { createClient, type Transport } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Tls } from "../src/certificates.ts";
import { serveProgram } from "../src/program.ts";
import { percentile } from "../src/statistics.ts";

export interface NeighbourOrder {
  readonly url: string;
  readonly certificate: Tls;
  readonly patient: string;
  readonly code: string;
}

/** Latencies in milliseconds. */
export interface Latency {
  readonly calls: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

let reader: { readonly transport: Transport; readonly patient: string; readonly code: string } | undefined;

const commands = {
  describe({ url, certificate, patient, code }: NeighbourOrder): void {
    reader = { transport: connect({ url, certificate }), patient, code };
  },
  /** Reads for so many milliseconds. */
  async read(ms: number): Promise<Latency> {
    const { transport, patient, code } = reader!;
    const client = createClient(RecordsService, transport);
    const request = { patient, code: { code }, purpose: Purpose.TREATMENT, pageSize: 100 };
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
  },
};

export type NeighbourLoad = typeof commands;
serveProgram(commands);
