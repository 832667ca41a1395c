import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { openPeerTransport, type WorkloadCertificates } from "@wellapi/rpc";
import type { Closers } from "@wellapi/runtime";
import type { Registry } from "@wellapi/service";
import type { ServiceConfig } from "./config.ts";

/** Calls every service, each by the contract that it serves. `certificates`: undefined behind a sidecar. */
export function openPeers(
  registry: Registry,
  config: ServiceConfig,
  certificates: WorkloadCertificates | undefined,
  closers: Closers,
): Transport {
  const idempotent = registry.services.flatMap(({ repeatable }) => repeatable ?? []);
  const peers = new Map<string, Transport>();
  for (const [service, addresses] of config.peers) {
    const { transport, close } = openPeerTransport({
      addresses,
      ...(certificates && { tls: { certificates, names: config, workload: service } }),
      retries: { idempotent },
    });
    closers.push(`connections to ${service}`, close);
    peers.set(service, transport);
  }

  function serving(method: DescMethod): Transport {
    const service = registry.serving(method.parent.typeName);
    const transport = service && peers.get(service.name);
    if (transport) return transport;
    throw new ConnectError(`no service serves ${method.parent.typeName}`, Code.Unimplemented);
  }

  return {
    unary: async (method, ...call) => serving(method).unary(method, ...call),
    stream: async (method, ...call) => serving(method).stream(method, ...call),
  };
}
