import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { AuditIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { openPeerTransport, type WorkloadCertificates } from "@wellapi/rpc";
import type { Closers } from "@wellapi/runtime";
import type { ServiceConfig } from "./config.ts";
import { type ServiceName, serviceOf } from "./services.ts";

/** Not free of side effects by contract, but the same once or twice: leaves have ids, and tokens are only more. */
const idempotent: readonly DescMethod[] = [
  AuditIntakeService.method.append,
  TokenExchangeService.method.exchangeCredential,
];

/** Reaches every service, each by the contract that it serves. `certificates`: undefined behind a sidecar. */
export function openPeers(
  config: ServiceConfig,
  certificates: WorkloadCertificates | undefined,
  closers: Closers,
): Transport {
  const peers = new Map<ServiceName, Transport>();
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
    const service = serviceOf(method.parent.typeName);
    const transport = service && peers.get(service);
    if (transport) return transport;
    throw new ConnectError(`no service serves ${method.parent.typeName}`, Code.Unimplemented);
  }

  return {
    unary: async (method, ...call) => serving(method).unary(method, ...call),
    stream: async (method, ...call) => serving(method).stream(method, ...call),
  };
}
