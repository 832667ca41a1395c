/** Bound of P5: a grpc-js server stream that sends the bytes that the product sent, message by message. */
import type { Tls } from "../src/certificates.ts";
import { serveProgram } from "../src/program.ts";
import { openRawServer } from "./raw-server.ts";

const commands = {
  open({
    tls,
    path,
    messages,
  }: {
    tls: Tls;
    path: string;
    messages: readonly Uint8Array[];
  }): Promise<number> {
    const answers = messages.map((message) => Buffer.from(message));
    return openRawServer(tls, {
      [path]: {
        kind: "read",
        async handle(call) {
          for (const answer of answers) {
            if (!call.write(answer)) await new Promise((resolve) => call.once("drain", resolve));
          }
          call.end();
        },
      },
    });
  },
};

export type ServerStreamBound = typeof commands;
serveProgram(commands);
