/** HTTP/2 straight to a pod, past every sidecar but the pod's own. */
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectTls, type PeerCertificate } from "node:tls";
import { type MeshPod, podOf } from "./addresses.ts";
import { trustDomain } from "./control-plane.ts";

/** PEM texts. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

export function spiffeIdOf(
  { namespace, name }: Pick<MeshPod, "namespace" | "name">,
  domain = trustDomain,
): string {
  return `spiffe://${domain}/ns/${namespace}/sa/${name}`;
}

/** By TLS, with the identity of the certificate; undefined: anonymous. The pod must show its expected identity. */
export function connectPod(options: {
  readonly to: string;
  readonly port: number;
  readonly ca: string;
  readonly as: ClientCertificate | undefined;
}): ClientHttp2Session {
  const { to, port, ca, as } = options;
  const pod = podOf(to);
  const secure = () =>
    connectTls({
      ...as,
      ca,
      host: pod.ip,
      port,
      // As a sidecar offers it: a port that took other TLS, too, would take it for the mesh's. (node:http2 by itself
      // offers h2 alone, whatever it is told.)
      ALPNProtocols: ["istio", "h2"],
      checkServerIdentity: (_host: string, { subjectaltname }: PeerCertificate) =>
        subjectaltname === `URI:${spiffeIdOf(pod)}`
          ? undefined
          : new Error(`${subjectaltname} answered, not ${to}`),
    });
  const session = connect(`https://${pod.ip}:${port}`, { createConnection: secure });
  return quiet(session);
}

/** A connection that fails ends its calls; nobody else has to hear of it. */
export function quiet(session: ClientHttp2Session): ClientHttp2Session {
  return session.on("error", () => {});
}
