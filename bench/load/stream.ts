/** Generator of P1, P2 and of background load: sends prepared messages on streams and checks each answer. */
import { fromBinary } from "@bufbuild/protobuf";
import type * as grpc from "@grpc/grpc-js";
import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { StreamSeriesResponseSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { type Checksum, emptyChecksum, merge } from "../src/checksum.ts";
import { createInput, type Input, type InputOptions } from "../src/input.ts";
import { serveProgram } from "../src/program.ts";
import { openRawClient, rawStream, type Target } from "../src/raw-client.ts";
import { assertRun } from "../src/result.ts";

/** As many as the server lets a stream have unanswered. */
const window = 16;

let input: Input | undefined;
let messages: readonly Buffer[] = [];
/** Of all messages that were prepared. */
const expected = new Map<string, Checksum>();
const clients = new Map<string, grpc.Client[]>();

function clientsOf(target: Target, count: number): grpc.Client[] {
  const open = clients.get(target.address) ?? [];
  clients.set(target.address, open);
  while (open.length < count) open.push(openRawClient(target));
  return open.slice(0, count);
}

/** Sends every `step`-th message from `first` on one stream; resolves once each has its answer. */
function sendOn(client: grpc.Client, path: string, first: number, step: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = rawStream(client, path);
    const count = Math.max(0, Math.ceil((messages.length - first) / step));
    let written = 0;
    let answered = 0;
    const write = () => {
      call.write(messages[first + written * step]!);
      written += 1;
    };
    call.on("data", (bytes: Buffer) => {
      try {
        const { result } = fromBinary(StreamSeriesResponseSchema, bytes);
        if (result.case === "failure") throw new Error(`a batch failed: ${result.value.reason}`);
        assertRun(result.case === "receipt", "each batch gets a receipt");
        const accepted = result.value.items.every(({ status }) => status === ItemOutcome_Status.ACCEPTED);
        assertRun(accepted, "every item is accepted");
      } catch (error) {
        call.cancel();
        reject(error);
        return;
      }
      answered += 1;
      if (written < count) write();
      else if (answered === count) call.end();
    });
    call.on("error", reject);
    call.on("end", resolve);
    while (written < Math.min(window, count)) write();
    if (count === 0) call.end();
  });
}

const commands = {
  describe(options: InputOptions): void {
    input = createInput(options);
  },
  /** Makes the next messages; resolves with the number of samples in them. */
  prepare(count: number): { samples: number; bytes: number } {
    const prepared = input!.prepare(count);
    messages = prepared.messages;
    for (const [patient, checksum] of prepared.expected) {
      const sum = expected.get(patient) ?? emptyChecksum();
      merge(sum, checksum);
      expected.set(patient, sum);
    }
    return { samples: prepared.samples, bytes: messages.reduce((sum, { length }) => sum + length, 0) };
  },
  /** Sends what was prepared, on streams with a connection each. */
  async send({ target, path, streams }: { target: Target; path: string; streams: number }) {
    const open = clientsOf(target, streams);
    const started = performance.now();
    await Promise.all(open.map((client, i) => sendOn(client, path, i, streams)));
    return { seconds: (performance.now() - started) / 1000 };
  },
  /** Lets connections to a server that is gone go. */
  forget(): void {
    for (const client of [...clients.values()].flat()) client.close();
    clients.clear();
  },
  expected: (): ReadonlyMap<string, Checksum> => expected,
};

export type StreamLoad = typeof commands;
serveProgram(commands);
