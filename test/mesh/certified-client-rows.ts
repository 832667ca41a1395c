/** Applications that get tokens by their certificate (RFC 8705), from outside, through the edge that does not open this TLS. */
import { Agent, request } from "node:https";
import type { SecureVersion } from "node:tls";
import { apiHost, edgeIp, mtlsHost, podOf } from "./addresses.ts";
import { createAuthority } from "./authority.ts";
import type { ClientCertificate } from "./connection.ts";
import type { Laboratory } from "./laboratory.ts";
import type { Outside } from "./outside.ts";
import { certificateOf } from "./pods.ts";
import type { Row } from "./rows.ts";

const group = "clients with certificates";

interface Asking {
  /** The server's name; the one for clients with certificates unless given. */
  readonly host?: string;
  readonly maxVersion?: SecureVersion;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function certifiedClientRows(
  { world }: Laboratory,
  { certified, certificates, clinic, maker }: Outside,
): Promise<readonly Row[]> {
  const { ca } = maker.certificate;
  const ask = (as: ClientCertificate | undefined, asking: Asking = {}) =>
    tokenFor(certified.id, { ...as, ca }, asking);
  const selfSigned = await createAuthority(certified.id);
  const header = { "x-forwarded-client-cert": `Cert="${encodeURIComponent(certified.as.cert)}"` };
  const rows: readonly (readonly [string, string, () => Promise<string>])[] = [
    ["an application's certificate", "a token", () => ask(certified.as)],
    ["no certificate for a token", "invalid_client", () => ask(undefined)],
    ["another company's certificate for a token", "invalid_client", () => ask(clinic.certificate)],
    [
      "a certificate signed by itself, with the application's name",
      "invalid_client",
      () => ask({ cert: selfSigned.certificate, key: selfSigned.privateKey }),
    ],
    ["an expired certificate for a token", "invalid_client", () => ask(certificates.expired)],
    ["a revoked certificate for a token", "invalid_client", () => ask(certificates.revoked)],
    [
      "a service's certificate of the mesh for a token",
      "invalid_client",
      () => ask(certificateOf(world, podOf("records")).as),
    ],
    [
      "the application's certificate in a header, at the HTTP edge",
      "invalid_client",
      () => ask(undefined, { host: apiHost, headers: header }),
    ],
    [
      "the application's certificate in a header, beside none",
      "invalid_client",
      () => ask(undefined, { headers: header }),
    ],
    ["TLS 1.2 for a token", "no connection", () => ask(certified.as, { maxVersion: "TLSv1.2" })],
  ];
  return rows.map(([name, expected, run]): Row => ({ group, name, expected, run }));
}

/** `a token`, OAuth's code of the refusal, or `no connection`. */
function tokenFor(
  client: string,
  tls: Partial<ClientCertificate> & { readonly ca: string },
  { host = mtlsHost, headers, maxVersion }: Asking,
): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(
      {
        ...(host === apiHost ? {} : tls),
        host: edgeIp,
        servername: host,
        path: "/oauth2/token",
        method: "POST",
        headers: { host, "content-type": "application/x-www-form-urlencoded", ...headers },
        // A connection each: one that is open is judged by a former policy once more.
        agent: new Agent({ keepAlive: false, maxCachedSessions: 0 }),
        timeout: 5_000,
        ...(maxVersion && { maxVersion }),
      },
      async (response) => {
        const text = Buffer.concat(await response.toArray().catch(() => [])).toString();
        resolve(outcomeOf(text) ?? `${response.statusCode}`);
      },
    );
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => resolve("no connection"));
    const grant = { grant_type: "client_credentials", scope: "system/Organization.r", client_id: client };
    sent.end(new URLSearchParams(grant).toString());
  });
}

function outcomeOf(text: string): string | undefined {
  try {
    const { access_token: token, error } = JSON.parse(text) as { access_token?: string; error?: string };
    return token === undefined ? error : "a token";
  } catch {
    return undefined;
  }
}
