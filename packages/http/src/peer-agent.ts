import { once } from "node:events";
import { Agent } from "node:https";
import { isIP } from "node:net";
import { connect, type PeerCertificate, type TLSSocket } from "node:tls";
import { certificateIdentity, type MeshNames, type WorkloadCertificates } from "@wellapi/rpc";

/** How this process knows the server of a surface, and how the server knows this process. */
export interface PeerTls {
  readonly certificates: WorkloadCertificates;
  readonly names: MeshNames;
  /** The service account that the server must have; its host name proves nothing. */
  readonly workload: string;
}

/** Unused connections are closed before the server closes them, so that no request meets a closing connection. */
const idleMs = 30_000;
const mostSockets = 256;
const connectMs = 2_000;

/**
 * Connections to one service of the mesh, by its addresses (`host:port`) in turn: TLS 1.3, with the current
 * certificate, to a server with the service's identity. An address that does not answer is skipped.
 */
export function createPeerAgent(addresses: readonly string[], tls: PeerTls): Agent {
  const agent = new Agent({ keepAlive: true, timeout: idleMs, maxSockets: mostSockets });
  let turn = 0;

  async function open(): Promise<TLSSocket> {
    turn = (turn + 1) % addresses.length;
    let last: unknown;
    for (let tried = 0; tried < addresses.length; tried++) {
      try {
        return await secured(addresses[(turn + tried) % addresses.length]!, tls);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  agent.createConnection = (_options, callback) => {
    open().then(
      (socket) => callback?.(null, socket),
      (error: Error) => callback?.(error, undefined as never),
    );
    return undefined;
  };
  return agent;
}

/** Rejects where no server answers in time, or a server with another identity answers. */
async function secured(address: string, { certificates, names, workload }: PeerTls): Promise<TLSSocket> {
  const { hostname, port } = new URL(`https://${address}`);
  const host = hostname.replace(/^\[|\]$/g, "");
  const { certificate, privateKey, authority } = certificates.current();
  const identityOf = certificateIdentity(names);
  const socket = connect({
    host,
    port: Number(port || 443),
    ...(isIP(host) ? {} : { servername: host }),
    cert: certificate,
    key: privateKey,
    ca: authority,
    minVersion: "TLSv1.3",
    rejectUnauthorized: true,
    checkServerIdentity: (_host: string, { subjectaltname }: PeerCertificate) => {
      const found = identityOf({ subjectAltName: subjectaltname, header: new Headers() });
      if (found === workload) return undefined;
      return new Error(`the server is ${found ?? "no service of this mesh"}, not ${workload}`);
    },
  });
  const late = setTimeout(() => socket.destroy(new Error(`${workload} does not answer`)), connectMs);
  try {
    await once(socket, "secureConnect");
    return socket;
  } finally {
    clearTimeout(late);
  }
}
