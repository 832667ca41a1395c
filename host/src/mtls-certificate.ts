import type { CertificateFiles, CertificatePair } from "@wellapi/rpc";
import { type Clock, type Closers, createLoop, type Logger } from "@wellapi/runtime";
import { observeCertificate } from "./signals/gauges.ts";

const renewMs = 24 * 3_600_000;

/** A certificate that is in force, and tells of the next one. */
export type RenewedCertificate = Pick<CertificateFiles<CertificatePair>, "current" | "onChange">;

/**
 * The certificate of the listener that asks for client certificates: signed by the installation's own authority for seven days,
 * and again every day, so that a failure leaves time to repair it.
 */
export async function openMtlsCertificate(options: {
  readonly sign: () => Promise<CertificatePair>;
  readonly clock: Clock;
  readonly closers: Closers;
  readonly log: Logger;
}): Promise<RenewedCertificate> {
  const { sign, clock, closers, log } = options;
  let pair = await sign();
  const listeners = new Set<(next: CertificatePair) => void>();
  const renewal = createLoop({
    everyMs: renewMs,
    async work() {
      pair = await sign();
      for (const listener of listeners) listener(pair);
    },
    onError: (err) => log.error({ err }, "the certificate of the mTLS listener was not renewed"),
  });
  closers.push("renewal of the mTLS certificate", renewal.close);
  const stop = observeCertificate("mtls", () => pair.certificate, clock);
  closers.push("signals of the mTLS certificate", stop);
  return {
    current: () => pair,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
