/** Bound of P3: connect-node on Node's own HTTP server, JSON in and out, answering the product's answer. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fromBinary } from "@bufbuild/protobuf";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  CreateObservationsResponseSchema,
  IngestionService,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { serveProgram } from "../src/program.ts";

const commands = {
  async open({ ack }: { ack: Uint8Array }): Promise<number> {
    const answer = fromBinary(CreateObservationsResponseSchema, ack);
    const handler = connectNodeAdapter({
      routes: (router) => router.rpc(IngestionService.method.createObservations, () => answer),
    });
    const server = createServer(handler);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  },
};

export type ConnectUnaryBound = typeof commands;
serveProgram(commands);
