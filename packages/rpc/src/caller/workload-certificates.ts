import type { Logger } from "@wellapi/runtime";
import { type CertificateFiles, openCertificateFiles } from "./certificate-files.ts";

/** A workload's own certificate, and the authority of its mesh. PEM texts. */
export interface WorkloadCertificate {
  readonly certificate: string;
  readonly privateKey: string;
  readonly authority: string;
}

export type WorkloadCertificates = CertificateFiles<WorkloadCertificate>;

/** Paths. */
export type WorkloadFiles = WorkloadCertificate;

/** The workload's certificate, read again every `everyMs`. @throws as `openCertificateFiles`. */
export async function openWorkloadCertificates(options: {
  readonly files: WorkloadFiles;
  readonly everyMs: number;
  readonly log: Logger;
}): Promise<WorkloadCertificates> {
  const { certificate, privateKey, authority } = options.files;
  const files = { certificate, privateKey, authority };
  return openCertificateFiles({ ...options, files, name: "workload certificate" });
}
