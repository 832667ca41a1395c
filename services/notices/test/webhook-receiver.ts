/** An organization's endpoint on this machine: a real HTTPS server, whose certificate this process trusts. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { createAuthority } from "../../../packages/rpc/test/certificates.ts";

export interface Received {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** `webhook-id` */
  readonly id: string;
}

export interface WebhookReceiver {
  readonly port: number;
  /** Of its certificate, PEM. */
  readonly authority: string;
  url(path: string): string;
  /** What came to a path, oldest first. */
  at(path: string): readonly Received[];
  /** From now on; 200 unless given. `received`: with this one. */
  answer(
    path: string,
    how: number | ((response: ServerResponse, received: readonly Received[]) => void),
  ): void;
  /** So many connections were made. */
  connections(): number;
  close(): Promise<void>;
}

export async function openWebhookReceiver(): Promise<WebhookReceiver> {
  const authority = await createAuthority("organizations");
  const { certificate, privateKey } = await authority.issue({ name: "endpoint" });
  const usual = getCACertificates("default");
  setDefaultCACertificates([...usual, authority.certificate]);
  const received = new Map<string, Received[]>();
  const answers = new Map<string, (response: ServerResponse, received: readonly Received[]) => void>();
  let connections = 0;
  const server = createServer({ cert: certificate, key: privateKey }, async (request, response) => {
    const path = request.url ?? "";
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const headers = request.headers as Record<string, string>;
    const here = [...(received.get(path) ?? []), { headers, body, id: headers["webhook-id"] ?? "" }];
    received.set(path, here);
    const answer = answers.get(path);
    if (answer === undefined) response.end();
    else answer(response, here);
  });
  server.on("connection", () => {
    connections += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    authority: authority.certificate,
    url: (path) => `https://localhost:${port}${path}`,
    at: (path) => received.get(path) ?? [],
    answer(path, how) {
      answers.set(path, typeof how === "number" ? (response) => response.writeHead(how).end() : how);
    },
    connections: () => connections,
    async close() {
      setDefaultCACertificates(usual);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
