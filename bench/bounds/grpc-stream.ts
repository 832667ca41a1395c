/** Bound of P1 and P2: a grpc-js stream that takes the same bytes and answers each message with an ack. */
import type { Tls } from "../src/certificates.ts";
import { serveProgram } from "../src/program.ts";
import { openRawServer, type RawMethod } from "./raw-server.ts";

const commands = {
  /** Serves the paths; `ack` has the bytes of the product's answer. */
  open({ tls, paths, ack }: { tls: Tls; paths: readonly string[]; ack: Uint8Array }): Promise<number> {
    const answer = Buffer.from(ack);
    const method: RawMethod = {
      kind: "bidi",
      async handle(call) {
        for await (const _ of call.iterator({ destroyOnReturn: false })) {
          if (!call.write(answer)) await new Promise((resolve) => call.once("drain", resolve));
        }
        call.end();
      },
    };
    return openRawServer(tls, Object.fromEntries(paths.map((path) => [path, method])));
  },
};

export type GrpcStreamBound = typeof commands;
serveProgram(commands);
