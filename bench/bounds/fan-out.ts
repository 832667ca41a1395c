/** Bound of P8: a message that comes in on one stream goes out on every open read. */
import type * as grpc from "@grpc/grpc-js";
import type { Tls } from "../src/certificates.ts";
import { serveProgram } from "../src/program.ts";
import { openRawServer } from "./raw-server.ts";

const commands = {
  /** `first` is sent when a reader comes, `delivery` for each message that comes in. */
  open(options: {
    tls: Tls;
    inPath: string;
    outPath: string;
    ack: Uint8Array;
    first: Uint8Array;
    delivery: Uint8Array;
  }): Promise<number> {
    const readers = new Set<grpc.ServerWritableStream<Buffer, Buffer>>();
    const [ack, first, delivery] = [options.ack, options.first, options.delivery].map((bytes) =>
      Buffer.from(bytes),
    );
    return openRawServer(options.tls, {
      [options.inPath]: {
        kind: "bidi",
        async handle(call) {
          for await (const _ of call.iterator({ destroyOnReturn: false })) {
            for (const reader of readers) reader.write(delivery!);
            call.write(ack!);
          }
          call.end();
        },
      },
      [options.outPath]: {
        kind: "read",
        handle(call) {
          readers.add(call);
          call.on("cancelled", () => readers.delete(call));
          call.write(first!);
        },
      },
    });
  },
};

export type FanOutBound = typeof commands;
serveProgram(commands);
