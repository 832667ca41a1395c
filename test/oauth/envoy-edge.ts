/** A real Envoy that ends TLS in front of the gateway, and says which certificate the client has shown. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openTools } from "../../scripts/tools.ts";

export interface Edge {
  readonly url: string;
  close(): Promise<void>;
}

/** `certificate`, `privateKey`: PEM, of the edge. It asks for a certificate, takes any or none, and replaces what the client says of it. */
export async function openEnvoyEdge(options: {
  readonly folder: string;
  readonly port: number;
  readonly gatewayPort: number;
  readonly certificate: string;
  readonly privateKey: string;
}): Promise<Edge> {
  const { folder, port } = options;
  const { envoy } = await openTools(["envoy"]);
  const config = join(folder, "envoy.json");
  writeFileSync(config, JSON.stringify(configOf(options)), { mode: 0o600 });
  const flags = [
    "--config-path",
    config,
    "--concurrency",
    "1",
    "--disable-hot-restart",
    "--log-level",
    "error",
  ];
  const child = spawn(envoy.command, [...envoy.args, ...flags], { stdio: ["ignore", "ignore", "inherit"] });
  const ended = once(child, "exit");
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!(await answers(port))) {
    if (over) throw new Error("Envoy ended before it listened");
    await delay(50);
  }
  return {
    url: `https://localhost:${port}`,
    async close() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function configOf(options: Parameters<typeof openEnvoyEdge>[0]) {
  const { port, gatewayPort, certificate, privateKey } = options;
  const type = "type.googleapis.com/envoy.extensions";
  const manager = {
    "@type": `${type}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "edge",
    use_remote_address: true,
    forward_client_cert_details: "SANITIZE_SET",
    set_current_client_cert_details: { cert: true, subject: true, uri: true },
    http_filters: [
      {
        name: "router",
        typed_config: { "@type": `${type}.filters.http.router.v3.Router` },
      },
    ],
    route_config: {
      virtual_hosts: [
        {
          name: "gateway",
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster: "gateway" } }],
        },
      ],
    },
  };
  const tls = {
    "@type": `${type}.transport_sockets.tls.v3.DownstreamTlsContext`,
    require_client_certificate: false,
    common_tls_context: {
      tls_certificates: [
        { certificate_chain: { inline_string: certificate }, private_key: { inline_string: privateKey } },
      ],
      // Whose it is, our own code finds out.
      validation_context: { trust_chain_verification: "ACCEPT_UNTRUSTED" },
    },
  };
  return {
    static_resources: {
      listeners: [
        {
          name: "edge",
          address: addressOf(port),
          filter_chains: [
            {
              filters: [{ name: "http", typed_config: manager }],
              transport_socket: { name: "tls", typed_config: tls },
            },
          ],
        },
      ],
      clusters: [
        {
          name: "gateway",
          type: "STATIC",
          load_assignment: {
            cluster_name: "gateway",
            endpoints: [{ lb_endpoints: [{ endpoint: { address: addressOf(gatewayPort) } }] }],
          },
        },
      ],
    },
  };
}

function addressOf(port: number) {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}
