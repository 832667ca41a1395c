/** Generator of P3: autocannon, one POST of Connect JSON after another on each of 64 connections. */
import { fromBinary, toJsonString } from "@bufbuild/protobuf";
import { CreateObservationsRequestSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import autocannon from "autocannon";
import { type Checksum, emptyChecksum, merge } from "../src/checksum.ts";
import { createInput, type Input } from "../src/input.ts";
import { serveProgram } from "../src/program.ts";
import { assertRun } from "../src/result.ts";
import { percentile } from "../src/statistics.ts";

let input: Input | undefined;
let bodies: readonly string[] = [];
const expected = new Map<string, Checksum>();

const commands = {
  describe({ name, patients }: { name: string; patients: readonly string[] }): void {
    input = createInput({ shape: "observations", samplesPerMessage: 1, name, patients });
  },
  prepare(count: number): void {
    const prepared = input!.prepare(count);
    // The stream's message and the unary request have the same fields.
    bodies = prepared.messages.map((bytes) =>
      toJsonString(CreateObservationsRequestSchema, fromBinary(CreateObservationsRequestSchema, bytes)),
    );
    for (const [patient, checksum] of prepared.expected) {
      const sum = expected.get(patient) ?? emptyChecksum();
      merge(sum, checksum);
      expected.set(patient, sum);
    }
  },
  async send(order: { url: string; apiKey: string; inFlight: number }) {
    let next = 0;
    let accepted = 0;
    const latencies: number[] = [];
    const started = performance.now();
    const running = autocannon({
      url: order.url,
      connections: order.inFlight,
      amount: bodies.length,
      requests: [
        {
          method: "POST",
          path: "/wellapi.ingestion.v1.IngestionService/CreateObservations",
          headers: { "content-type": "application/json", authorization: `Bearer ${order.apiKey}` },
          setupRequest: (request) => ({ ...request, body: bodies[next++ % bodies.length]! }),
          onResponse: (status, body) => {
            if (status === 200 && body.includes('"STATUS_ACCEPTED"')) accepted += 1;
          },
        },
      ],
    });
    let ended = started;
    running.on("response", (_client, _status, _bytes, milliseconds) => {
      latencies.push(milliseconds);
      ended = performance.now(); // autocannon itself ends at the next full second
    });
    await running;
    const seconds = (ended - started) / 1000;
    assertRun(
      next >= bodies.length && accepted === bodies.length,
      `all accepted, not ${accepted} of ${bodies.length}`,
    );
    return {
      perSecond: bodies.length / seconds,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
    };
  },
  expected: (): ReadonlyMap<string, Checksum> => expected,
};

export type ConnectUnaryLoad = typeof commands;
serveProgram(commands);
