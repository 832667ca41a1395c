import { randomUUID, X509Certificate } from "node:crypto";
import { createClient, type Transport } from "@connectrpc/connect";
import { type Company, operatorAt, type Person } from "@wellapi/demo/people";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { openPeerTransport, openWorkloadCertificates, type WorkloadCertificates } from "@wellapi/rpc";
import { type Closers, silentLogger } from "@wellapi/runtime";
import type { Replica, World } from "./world.ts";

type Edge = "gateway" | "ingestion";

/** Calls one replica by its own address, as the service in front of it does, on behalf of somebody. */
export interface Callers {
  /** One call is one attempt. */
  to(as: Edge, service: "records" | "consent", replica: Replica): Transport;
  /** What goes along with a call: the internal token, good for five minutes. */
  forPerson(person: Person): Promise<Headers>;
  forCompany(company: Company, as: Edge): Promise<Headers>;
}

export async function openCallers({ mesh, server }: World, closers: Closers): Promise<Callers> {
  const certificates = new Map<Edge, WorkloadCertificates>();
  for (const edge of ["gateway", "ingestion"] as const) {
    const own = await openWorkloadCertificates({
      files: mesh.files(edge),
      everyMs: 60_000,
      log: silentLogger,
    });
    closers.push(`certificates of ${edge}`, own.close);
    certificates.set(edge, own);
  }

  function open(as: Edge, service: "records" | "consent" | "identity", replica: Replica): Transport {
    const { transport, close } = openPeerTransport({
      addresses: [`127.0.0.1:${mesh.port(service, replica)}`],
      tls: {
        certificates: certificates.get(as)!,
        names: { trustDomain: "wellapi.local" },
        workload: service,
      },
      retries: { attempts: 1 },
    });
    closers.push(`connection to ${service} ${replica}`, close);
    return transport;
  }

  const opened = new Map<string, Transport>();
  const exchanges = {
    gateway: createClient(TokenExchangeService, open("gateway", "identity", 1)),
    ingestion: createClient(TokenExchangeService, open("ingestion", "identity", 1)),
  };
  const bearer = (token: string) => new Headers({ authorization: `Bearer ${token}` });
  const tokens = createClient(TokenService, operatorAt(server));

  return {
    to(as, service, replica) {
      const name = `${as} ${service} ${replica}`;
      const transport = opened.get(name) ?? open(as, service, replica);
      opened.set(name, transport);
      return transport;
    },
    async forPerson({ id }) {
      const { token: value } = await tokens.issuePatientToken({ requestId: randomUUID(), patient: id });
      const { token } = await exchanges.gateway.exchangeCredential({
        credential: { case: "bearerToken", value },
      });
      return bearer(token);
    },
    async forCompany({ certificate }, as) {
      const der = new X509Certificate(certificate.cert).raw;
      const atEdge = await exchanges.gateway.exchangeCredential({
        credential: { case: "clientCertificate", value: der },
      });
      if (as === "gateway") return bearer(atEdge.token);
      const { token } = await exchanges.ingestion.exchangeCredential({
        credential: { case: "internalToken", value: atEdge.token },
      });
      return bearer(token);
    },
  };
}
