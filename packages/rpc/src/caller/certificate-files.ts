import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { createSecureContext } from "node:tls";
import { createLoop, type Logger } from "@wellapi/runtime";

/** A certificate with its key, and the authority that it is used with. PEM texts, or the files that hold them. */
export interface CertificatePair {
  readonly certificate: string;
  readonly privateKey: string;
  readonly authority?: string;
}

/** The pair in force. It changes: read it at each new connection. */
export interface CertificateFiles<P extends CertificatePair> {
  current(): P;
  /** Calls the listener with each new pair. Returns how to stop. */
  onChange(listener: (next: P) => void): () => void;
  close(): void;
}

/**
 * Reads the pair from files and reads them again every `everyMs`: the party that renews them (a launcher,
 * cert-manager, a SPIFFE agent) may replace files or swap a folder's link. A pair that is half written, does not
 * match or has expired is ignored, and the one in use stays.
 * @throws where the first pair cannot be read, or does not match for two seconds.
 */
export async function openCertificateFiles<P extends CertificatePair>(options: {
  readonly files: P;
  readonly everyMs: number;
  /** For the log. */
  readonly name: string;
  readonly log: Logger;
}): Promise<CertificateFiles<P>> {
  const { files, everyMs, name, log } = options;
  let pair = await firstPair(files);
  let refused = { reason: "", times: 0 };
  const listeners = new Set<(next: P) => void>();

  async function look(): Promise<void> {
    try {
      const next = await readPair(files);
      refused = { reason: "", times: 0 };
      if (next.certificate === pair.certificate && next.authority === pair.authority) return;
      pair = next;
      log.debug(`a new ${name} is in use`);
      for (const listener of listeners) listener(next);
    } catch (err) {
      // At the second read, and once: the first read may have come while the files were written.
      const reason = err instanceof Error ? err.message : String(err);
      refused = { reason, times: reason === refused.reason ? refused.times + 1 : 1 };
      if (refused.times === 2) log.warn({ err }, `the ${name} could not be renewed`);
    }
  }
  const looking = createLoop({
    everyMs,
    work: look,
    onError: (err) => log.error({ err }, "unexpected error"),
  });

  return {
    current: () => pair,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      void looking.close();
      listeners.clear();
    },
  };
}

/** A start may fall between the writing of the key and of its certificate: it waits for the certificate. */
async function firstPair<P extends CertificatePair>(files: P): Promise<P> {
  for (let tries = 1; ; tries++) {
    try {
      return await readPair(files);
    } catch (error) {
      const halfWritten =
        error instanceof Error && "code" in error && error.code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH";
      if (!halfWritten || tries === 20) throw error;
      await delay(100);
    }
  }
}

async function readPair<P extends CertificatePair>(files: P): Promise<P> {
  const [certificate, privateKey, authority] = await Promise.all([
    readFile(files.certificate, "utf8"),
    readFile(files.privateKey, "utf8"),
    files.authority === undefined ? undefined : readFile(files.authority, "utf8"),
  ]);
  // Throws where they don't fit.
  createSecureContext({
    cert: certificate,
    key: privateKey,
    ...(authority !== undefined && { ca: authority }),
  });
  if (new X509Certificate(certificate).validToDate.getTime() <= Date.now()) {
    throw new Error(`the certificate in ${files.certificate} has ended`);
  }
  return { ...files, certificate, privateKey, ...(authority !== undefined && { authority }) };
}
