/** Generator of P8 and P13: opens many WatchSeries and notes when each got its last message and how it ended. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type * as grpc from "@grpc/grpc-js";
import {
  WatchSeriesRequestSchema,
  WatchSeriesResponseSchema,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { CodingSchema, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { heartRate } from "../src/input.ts";
import { serveProgram } from "../src/program.ts";
import { openRawClient, rawRead, type Target } from "../src/raw-client.ts";
import { watchPath } from "../src/read-back.ts";
import { assertRun } from "../src/result.ts";

interface Watch {
  readonly call: grpc.ClientReadableStream<Buffer>;
  readonly ended: Promise<void>;
  deliveries: number;
  /** CLOCK_MONOTONIC, which all processes share, nanoseconds. */
  lastAt: bigint;
  status: number;
}

let watches: readonly Watch[] = [];
let clients: readonly grpc.Client[] = [];

function openWatch(client: grpc.Client, patient: string): Promise<Watch> {
  const request = create(WatchSeriesRequestSchema, {
    patient,
    codes: [create(CodingSchema, { code: heartRate })],
    purpose: Purpose.TREATMENT,
  });
  return new Promise((resolve, reject) => {
    const call = rawRead(client, watchPath, toBinary(WatchSeriesRequestSchema, request));
    const ended = new Promise<void>((done) => {
      call.on("status", ({ code }) => {
        watch.status = code;
        done();
      });
    });
    const watch: Watch = { call, ended, deliveries: 0, lastAt: 0n, status: -1 };
    call.on("error", reject);
    call.on("data", (bytes: Buffer) => {
      // Decoding is left out while measuring: the first message is the start, the others are deliveries.
      if (watch.lastAt === 0n) {
        const { payload } = fromBinary(WatchSeriesResponseSchema, bytes);
        if (payload.case !== "start") reject(new Error("a watch begins with its start"));
        else resolve(watch);
      } else {
        watch.deliveries += 1;
      }
      watch.lastAt = process.hrtime.bigint();
    });
  });
}

const commands = {
  /** Spreads streams over connections and patients; resolves once the server has authorized each. */
  async open(order: { target: Target; patients: readonly string[]; streams: number; connections: number }) {
    clients = Array.from({ length: order.connections }, () => openRawClient(order.target));
    watches = await Promise.all(
      Array.from({ length: order.streams }, (_, i) =>
        openWatch(clients[i % clients.length]!, order.patients[i % order.patients.length]!),
      ),
    );
  },
  /** Waits for the server to end all streams with PERMISSION_DENIED; nanoseconds of each one's last delivery. */
  async ended(): Promise<{ last: bigint[]; deliveries: number }> {
    await Promise.all(watches.map(({ ended }) => ended));
    assertRun(
      watches.every(({ status }) => status === 7),
      "every watch ends with PERMISSION_DENIED",
    );
    assertRun(
      watches.every(({ deliveries }) => deliveries > 0),
      "every watch had deliveries",
    );
    const deliveries = watches.reduce((sum, watch) => sum + watch.deliveries, 0);
    return { last: watches.map(({ lastAt }) => lastAt), deliveries };
  },
  /** Resolves once every stream has had so many deliveries, with the time that took from now. */
  async delivered(count: number): Promise<number> {
    const started = performance.now();
    while (watches.some(({ deliveries }) => deliveries < count)) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return performance.now() - started;
  },
  stillOpen(): number {
    return watches.filter(({ status }) => status === -1).length;
  },
  close(): void {
    for (const { call } of watches) call.cancel();
    for (const client of clients) client.close();
  },
};

export type WatchLoad = typeof commands;
serveProgram(commands);
