import type { Interceptor, Transport } from "@connectrpc/connect";
import { silentLogger } from "@wellapi/runtime";
import { openGrpcServer, openGrpcTransport, type Route } from "../src/index.ts";

/** A server for calls from outside, in plain text. */
export async function openDoor(
  routes: readonly Route[],
  interceptors: readonly Interceptor[],
): Promise<{ transport: Transport; close(): Promise<void> }> {
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
    async close() {
      client.close();
      await server.close();
    },
  };
}
