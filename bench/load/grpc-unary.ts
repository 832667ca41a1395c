/** Generator of P4 and P6: unary calls over gRPC, so many in flight, each answer checked by length or content. */

import { setTimeout as pause } from "node:timers/promises";
import { fromBinary } from "@bufbuild/protobuf";
import type * as grpc from "@grpc/grpc-js";
import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { CreateObservationsResponseSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { type Checksum, emptyChecksum, merge } from "../src/checksum.ts";
import { createInput, type Input } from "../src/input.ts";
import { serveProgram } from "../src/program.ts";
import { openRawClient, rawUnary, type Target } from "../src/raw-client.ts";
import { assertRun } from "../src/result.ts";
import { percentile } from "../src/statistics.ts";

/** One connection carries 100 streams at most, and 64 calls on one would measure its window. */
const connections = 4;

let input: Input | undefined;
let requests: readonly Buffer[] = [];
const expected = new Map<string, Checksum>();
const clients = new Map<string, readonly grpc.Client[]>();

function clientsOf(target: Target): readonly grpc.Client[] {
  const open =
    clients.get(target.address) ?? Array.from({ length: connections }, () => openRawClient(target));
  clients.set(target.address, open);
  return open;
}

/** What is right for an answer: a receipt that accepts, or at least so many bytes. */
export type Check = { readonly kind: "receipt" } | { readonly kind: "bytes"; readonly least: number };

function checkAnswer(answer: Buffer, check: Check): void {
  if (check.kind === "bytes") {
    assertRun(answer.length >= check.least, "an answer has its length");
    return;
  }
  const { receipt } = fromBinary(CreateObservationsResponseSchema, answer);
  const accepted = receipt?.items.every(({ status }) => status === ItemOutcome_Status.ACCEPTED);
  assertRun(accepted === true, "every item is accepted");
}

const commands = {
  describe({ name, patients }: { name: string; patients: readonly string[] }): void {
    input = createInput({ shape: "observations", samplesPerMessage: 1, name, patients });
  },
  /** Batches of one observation: the unary request has the stream message's bytes. */
  prepare(count: number): void {
    const prepared = input!.prepare(count);
    requests = prepared.messages;
    for (const [patient, checksum] of prepared.expected) {
      const sum = expected.get(patient) ?? emptyChecksum();
      merge(sum, checksum);
      expected.set(patient, sum);
    }
  },
  /** The same request, so many times. */
  prepareSame({ request, count }: { request: Uint8Array; count: number }): void {
    requests = new Array<Buffer>(count).fill(Buffer.from(request));
  },
  async send(order: {
    target: Target;
    path: string;
    inFlight: number;
    check: Check;
    /** Between a worker's calls; none unless given. */
    pauseMs?: number;
  }) {
    const open = clientsOf(order.target);
    const latencies: number[] = [];
    let next = 0;
    const worker = async (client: grpc.Client) => {
      while (next < requests.length) {
        const request = requests[next++]!;
        const started = performance.now();
        const answer = await rawUnary(client, order.path, request);
        latencies.push(performance.now() - started);
        checkAnswer(answer, order.check);
        if (order.pauseMs) await pause(order.pauseMs);
      }
    };
    const started = performance.now();
    const workers = Array.from({ length: order.inFlight }, (_, i) => worker(open[i % open.length]!));
    await Promise.all(workers);
    const seconds = (performance.now() - started) / 1000;
    return {
      perSecond: requests.length / seconds,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
    };
  },
  expected: (): ReadonlyMap<string, Checksum> => expected,
};

export type GrpcUnaryLoad = typeof commands;
serveProgram(commands);
