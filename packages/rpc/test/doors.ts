import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type ConnectRouter,
  createContextValues,
  type Interceptor,
  type Transport,
} from "@connectrpc/connect";
import { connectNodeAdapter, createConnectTransport } from "@connectrpc/connect-node";
import { silentLogger } from "@wellapi/runtime";
import { vi } from "vitest";
import {
  createConnectAdmission,
  createMemoryTransport,
  openGrpcServer,
  openGrpcTransport,
  type Route,
  warmValidation,
} from "../src/index.ts";
import { createAuthority } from "./certificates.ts";

export interface Door {
  readonly transport: Transport;
  close(): Promise<void>;
}

export interface DoorKind {
  readonly name: string;
  /** HTTP/1.1 has no bidirectional streams. */
  readonly bidi: boolean;
  /** Limits messages to 1 MiB. */
  readonly limited: boolean;
  open(routes: readonly Route[], interceptors: readonly Interceptor[]): Promise<Door>;
}

export const doors: readonly DoorKind[] = [
  {
    name: "in memory",
    bidi: true,
    limited: false,
    async open(routes, interceptors) {
      const transport = createMemoryTransport({ routes, interceptors, workload: "test" });
      return { transport, close: async () => {} };
    },
  },
  {
    name: "grpc-js, mTLS",
    bidi: true,
    limited: true,
    async open(routes, interceptors) {
      const authority = await createAuthority("test");
      const server = await authority.issue({ name: "server" });
      const client = await authority.issue({ name: "client" });
      const opened = await openGrpcServer({
        routes,
        interceptors,
        host: "127.0.0.1",
        port: 0,
        tls: { ...server, clientAuthority: authority.certificate },
        reflection: true,
        log: silentLogger,
      });
      const { transport, close } = openGrpcTransport({
        address: `localhost:${opened.port}`,
        tls: { ...client, serverAuthority: authority.certificate },
        messageBytes: 4_194_304,
      });
      return {
        transport,
        async close() {
          close();
          await opened.close();
        },
      };
    },
  },
  {
    name: "Connect JSON, HTTP/1.1",
    bidi: false,
    limited: true,
    async open(routes, interceptors) {
      warmValidation(routes);
      vi.spyOn(console, "error").mockReturnValue(); // connectNodeAdapter tells the console of clients that go away
      const admission = createConnectAdmission({ interceptors, describe: () => undefined });
      const server = createServer(
        connectNodeAdapter({
          routes: (router: ConnectRouter) => {
            for (const { service, implementation } of routes) router.service(service, implementation);
          },
          requestGate: admission.requestGate,
          interceptors: admission.interceptors,
          readMaxBytes: 1_048_576,
          contextValues: () => createContextValues(),
        }),
      );
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const transport = createConnectTransport({
        baseUrl: `http://localhost:${port}`,
        httpVersion: "1.1",
        useBinaryFormat: false,
      });
      return {
        transport,
        async close() {
          server.closeAllConnections();
          server.close();
        },
      };
    },
  },
];
