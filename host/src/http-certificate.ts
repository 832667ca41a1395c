import { type CertificateFiles, type CertificatePair, openCertificateFiles } from "@wellapi/rpc";
import type { Clock, Closers, ConfigReader, Logger } from "@wellapi/runtime";
import { HostError } from "./errors.ts";
import { observeCertificate } from "./signals/gauges.ts";

/** How soon a replaced certificate is used. */
const reloadMs = 2_000;

/** The gateway's own certificate and key, as files; undefined: it speaks plain HTTP. */
export function httpFilesOf(reader: ConfigReader): CertificatePair | undefined {
  if (!reader.optional("WELLAPI_HTTP_CERT") && !reader.optional("WELLAPI_HTTP_KEY")) return undefined;
  return { certificate: reader.path("WELLAPI_HTTP_CERT"), privateKey: reader.path("WELLAPI_HTTP_KEY") };
}

/**
 * The pair in force. Undefined: plain HTTP, of which one line warns unless something in front ends TLS. Throws HostError
 * `http_certificate` where the pair cannot be used.
 */
export async function openHttpCertificate(
  settings: {
    readonly host: string;
    readonly httpFiles: CertificatePair | undefined;
    readonly behindTls: boolean;
  },
  { clock, closers, log }: { readonly clock: Clock; readonly closers: Closers; readonly log: Logger },
): Promise<CertificateFiles<CertificatePair> | undefined> {
  const { host, httpFiles: files, behindTls } = settings;
  if (files === undefined) {
    if (!behindTls) warnOfPlainHttp(host, log);
    return undefined;
  }
  const opened = await openCertificateFiles({
    files,
    everyMs: reloadMs,
    name: "gateway's certificate",
    log,
  }).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HostError(
      "http_certificate",
      `the gateway cannot use ${files.certificate} with ${files.privateKey} (${reason}): name a certificate and its key with WELLAPI_HTTP_CERT and WELLAPI_HTTP_KEY`,
      { cause },
    );
  });
  closers.push("gateway's certificate", opened.close);
  const stop = observeCertificate("gateway", () => opened.current().certificate, clock);
  closers.push("signals of the gateway's certificate", stop);
  return opened;
}

/** One line where everybody on the way could read credentials and health data. */
export function warnOfPlainHttp(host: string, log: Logger): void {
  if (isLoopback(host)) return;
  log.warn(
    { reason: "PLAIN_HTTP", host },
    "the gateway listens beyond this machine without TLS: name a certificate with WELLAPI_HTTP_CERT and WELLAPI_HTTP_KEY, or let only a proxy with TLS reach it",
  );
}

export function isLoopback(host: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(host);
}
