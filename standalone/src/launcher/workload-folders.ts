import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { WorkloadFiles } from "@wellapi/rpc";
import type { Logger } from "@wellapi/runtime";
import type { MeshAuthority } from "./mesh-authority.ts";

export interface WorkloadFolders {
  files(workload: string): WorkloadFiles;
  close(): void;
}

/** Renewed this far into their life, so that two failures in a row still leave a valid one. */
const renewAt = 0.3;

/** Writes each workload's certificate into a folder that only this user can look into, and renews them all. */
export async function openWorkloadFolders(options: {
  readonly folder: string;
  readonly workloads: readonly string[];
  readonly authority: MeshAuthority;
  readonly lifetimeMs: number;
  readonly log: Logger;
}): Promise<WorkloadFolders> {
  const { folder, workloads, authority, lifetimeMs, log } = options;
  const files = (workload: string): WorkloadFiles => ({
    certificate: join(folder, workload, "tls.crt"),
    privateKey: join(folder, workload, "tls.key"),
    authority: join(folder, workload, "ca.crt"),
  });

  async function renew(workload: string): Promise<void> {
    const issued = await authority.issue(workload);
    const paths = files(workload);
    await mkdir(join(folder, workload), { recursive: true, mode: 0o700 });
    await replace(paths.authority, issued.authority);
    // Who reads between the two finds a pair that does not fit, and looks again.
    await replace(paths.privateKey, issued.privateKey);
    await replace(paths.certificate, issued.certificate);
  }

  await Promise.all(workloads.map(renew));
  const timer = setInterval(() => {
    for (const workload of workloads) {
      renew(workload).catch((err: unknown) => log.error({ err }, "a workload's certificate was not renewed"));
    }
  }, lifetimeMs * renewAt);
  return { files, close: () => clearInterval(timer) };
}

/** Whole or not at all. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
