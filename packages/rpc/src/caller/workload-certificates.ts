import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { createSecureContext } from "node:tls";
import { createLoop, type Logger } from "@wellapi/runtime";

/** A workload's own certificate, and the authority of its mesh. PEM texts. */
export interface WorkloadCertificate {
  readonly certificate: string;
  readonly privateKey: string;
  readonly authority: string;
}

/** The pair in force. It changes: read it at each new connection. */
export interface WorkloadCertificates {
  current(): WorkloadCertificate;
  /** Calls the listener with each new pair. Returns how to stop. */
  onChange(listener: (next: WorkloadCertificate) => void): () => void;
  close(): void;
}

export interface WorkloadFiles {
  readonly certificate: string;
  readonly privateKey: string;
  readonly authority: string;
}

/**
 * Reads the pair from files and reads them again every `everyMs`: the party that renews them (a launcher,
 * cert-manager, a SPIFFE agent) may replace files or swap a folder's link. A pair that is half written, does not
 * match or has expired is ignored, and the one in use stays.
 * @throws where the first pair cannot be read, or does not match for two seconds.
 */
export async function openWorkloadCertificates(options: {
  readonly files: WorkloadFiles;
  readonly everyMs: number;
  readonly log: Logger;
}): Promise<WorkloadCertificates> {
  const { files, everyMs, log } = options;
  let pair = await firstPair(files);
  let refused = { reason: "", times: 0 };
  const listeners = new Set<(next: WorkloadCertificate) => void>();

  async function look(): Promise<void> {
    try {
      const next = await readPair(files);
      refused = { reason: "", times: 0 };
      if (next.certificate === pair.certificate && next.authority === pair.authority) return;
      pair = next;
      log.debug("a new workload certificate is in use");
      for (const listener of listeners) listener(next);
    } catch (err) {
      // At the second read, and once: the first read may have come while the files were written.
      const reason = err instanceof Error ? err.message : String(err);
      refused = { reason, times: reason === refused.reason ? refused.times + 1 : 1 };
      if (refused.times === 2) log.warn({ err }, "the workload certificate could not be renewed");
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
async function firstPair(files: WorkloadFiles): Promise<WorkloadCertificate> {
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

async function readPair(files: WorkloadFiles): Promise<WorkloadCertificate> {
  const [certificate, privateKey, authority] = await Promise.all([
    readFile(files.certificate, "utf8"),
    readFile(files.privateKey, "utf8"),
    readFile(files.authority, "utf8"),
  ]);
  createSecureContext({ cert: certificate, key: privateKey, ca: authority }); // throws where they don't fit
  if (new X509Certificate(certificate).validToDate.getTime() <= Date.now()) {
    throw new Error(`the certificate in ${files.certificate} has ended`);
  }
  return { certificate, privateKey, authority };
}
