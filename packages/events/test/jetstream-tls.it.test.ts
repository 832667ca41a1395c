import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext, TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Authority, createAuthority, type Identity } from "../../rpc/test/certificates.ts";
import {
  type JetStreamEvents,
  type JetStreamEventsOptions,
  openJetStreamEvents,
} from "../src/jetstream/events.ts";
import { event } from "./contract.ts";
import { findNatsServer, openNatsServers } from "./nats-server.ts";

const tool = await findNatsServer();
const unavailable = { name: "EventsError", code: "unavailable" };

describe.skipIf(!tool)("JetStream over TLS", () => {
  let folder: string;
  let authority: Authority;
  let options: JetStreamEventsOptions & {
    readonly tls: { certFile: string; keyFile: string; caFile: string };
  };
  let events: JetStreamEvents | undefined;
  const warnings: object[] = [];

  const write = async (name: string, { certificate, privateKey }: Identity) => {
    await writeFile(join(folder, `${name}.pem`), certificate);
    await writeFile(join(folder, `${name}.key`), privateKey);
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "wellapi-nats-tls-"));
    authority = await createAuthority("test");
    await writeFile(join(folder, "ca.pem"), authority.certificate);
    await write("server", await authority.issue({ name: "server" }));
    await write("client", await authority.issue({ name: "client" }));
    warnings.length = 0;
    options = {
      servers: [],
      stream: "tls",
      subjects: ["a.>"],
      replicas: 1,
      timeoutMs: 1000,
      tls: {
        caFile: join(folder, "ca.pem"),
        certFile: join(folder, "client.pem"),
        keyFile: join(folder, "client.key"),
      },
      onError: () => undefined,
      log: { info: () => undefined, warn: (fields) => warnings.push(fields) },
    };
  });
  afterEach(async () => {
    await events?.close();
    await rm(folder, { recursive: true });
  });

  test("a certificate is read again at each connection, and one of another authority is refused", async () => {
    const file = (name: string) => JSON.stringify(join(folder, name));
    const tls = `tls { cert_file: ${file("server.pem")}, key_file: ${file("server.key")}, ca_file: ${file("ca.pem")}, verify: true }`;
    const servers = await openNatsServers(tool!, 1, tls);
    const restart = async () => {
      await servers.servers[0]?.kill();
      await servers.servers[0]?.start();
    };
    try {
      events = await openJetStreamEvents({ ...options, servers: servers.urls });
      await events.publish([event("e1")]);
      await write("client", await (await createAuthority("foreign")).issue({ name: "client" }));
      await restart();
      await expect(events.publish([event("e2")])).rejects.toMatchObject(unavailable);
      await write("client", await authority.issue({ name: "client" }));
      await vi.waitFor(() => events?.publish([event("e2")]), { timeout: 15_000 });
    } finally {
      await events?.close();
      await servers.close();
    }
  });

  test("a server that speaks TLS 1.2 at most is refused", async () => {
    const { certificate, privateKey } = await authority.issue({ name: "server" });
    const secureContext = createSecureContext({ cert: certificate, key: privateKey, maxVersion: "TLSv1.2" });
    const handshakes: unknown[] = [];
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      const info = {
        server_id: "old",
        version: "2.15.1",
        tls_required: true,
        max_payload: 1024,
        headers: true,
      };
      socket.write(`INFO ${JSON.stringify(info)}\r\n`, () => {
        const secured = new TLSSocket(socket, { isServer: true, secureContext });
        secured.on("secure", () => handshakes.push(secured.getProtocol()));
        secured.on("error", () => undefined);
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    events = await openJetStreamEvents({ ...options, servers: [`127.0.0.1:${port}`] });
    await expect(events.publish([event("e1")])).rejects.toMatchObject(unavailable);
    expect(JSON.stringify(warnings.map((fields) => String((fields as { err?: unknown }).err)))).toMatch(
      /protocol version/,
    );
    expect(handshakes).toEqual([]);
    await events.close();
    server.close();
  });
});
