/** Generator of P9: AppendRequests of leaves, as the outboxes of services send them. */
import { randomBytes } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { AppendRequestSchema } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { randomIds } from "@wellapi/runtime";
import { serveProgram } from "../src/program.ts";
import { bufferOf, openRawClient, rawUnary, type Target } from "../src/raw-client.ts";

const path = "/wellapi.internal.audit.v1.AuditIntakeService/Append";
const leavesPerRequest = 500;
const patients = 200;
/** Services with an outbox that drain at the same time. */
const inFlight = 3;

let requests: Buffer[] = [];
let client: ReturnType<typeof openRawClient> | undefined;

function leaf(number: number) {
  const id = randomIds.next("acc");
  const timeMs = Date.now();
  const organization = "org_bench";
  const access = {
    id,
    organization,
    method: "wellapi.ingestion.v1.IngestionService/StreamSeries",
    time: timestampFromMs(timeMs),
  };
  return {
    id,
    organization,
    partition: `local/pat_${String(number % patients).padStart(26, "0")}`,
    timeMs: BigInt(timeMs),
    nonce: new Uint8Array(randomBytes(32)),
    body: toBinary(AccessSchema, create(AccessSchema, access)),
  };
}

const commands = {
  prepare(count: number): number {
    requests = Array.from({ length: Math.ceil(count / leavesPerRequest) }, (_, r) => {
      const leaves = Array.from({ length: leavesPerRequest }, (_, i) => leaf(r * leavesPerRequest + i));
      return bufferOf(toBinary(AppendRequestSchema, create(AppendRequestSchema, { leaves })));
    });
    return requests.length * leavesPerRequest;
  },
  /** Seconds until all had been taken. */
  async send(target: Target): Promise<number> {
    client ??= openRawClient(target);
    const started = performance.now();
    let next = 0;
    const worker = async () => {
      while (next < requests.length) await rawUnary(client!, path, requests[next++]!);
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return (performance.now() - started) / 1000;
  },
};

export type LeavesLoad = typeof commands;
serveProgram(commands);
