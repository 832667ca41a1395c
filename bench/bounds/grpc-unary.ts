/** Bound of P4: a grpc-js unary method that answers with the bytes of the product's answer. */
import type { Tls } from "../src/certificates.ts";
import { serveProgram } from "../src/program.ts";
import { openRawServer } from "./raw-server.ts";

const commands = {
  open({ tls, path, ack }: { tls: Tls; path: string; ack: Uint8Array }): Promise<number> {
    const answer = Buffer.from(ack);
    return openRawServer(tls, {
      [path]: { kind: "unary", handle: (_call, callback) => callback(null, answer) },
    });
  },
};

export type GrpcUnaryBound = typeof commands;
serveProgram(commands);
