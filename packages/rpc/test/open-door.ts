import type { Interceptor, Transport } from "@connectrpc/connect";
import { openGrpcTransport as openPlain } from "@wellapi/grpc-client";
import { silentLogger } from "@wellapi/runtime";
import { openGrpcServer, openGrpcTransport, type Route } from "../src/index.ts";

/** A server for calls from outside, in plain text. */
export async function openDoor(
  routes: readonly Route[],
  interceptors: readonly Interceptor[],
): Promise<{ transport: Transport; port: number; close(): Promise<void> }> {
  const server = await openGrpcServer({
    routes,
    interceptors,
    host: "127.0.0.1",
    port: 0,
    reflection: false,
    log: silentLogger,
  });
  const client = openGrpcTransport({ address: `localhost:${server.port}` });
  return {
    transport: client.transport,
    port: server.port,
    async close() {
      client.close();
      await server.close();
    },
  };
}

/** A client outside of this installation: it sends the headers that it is given, and no others. */
export function openDoorWithoutTraces(port: number): { transport: Transport; close(): void } {
  return openPlain({ address: `localhost:${port}` });
}
