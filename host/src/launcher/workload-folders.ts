import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { WorkloadFiles } from "@wellapi/rpc";
import type { Logger } from "@wellapi/runtime";
import type { MeshAuthority } from "./mesh-authority.ts";

export interface WorkloadFolders {
  files(member: string): WorkloadFiles;
  /** Issues another certificate now, valid for `lifetimeMs` if given; the usual renewals continue. */
  renew(member: string, lifetimeMs?: number): Promise<void>;
  close(): void;
}

/** Part of the lifetime after which they are renewed: after two failures in a row one is still valid. */
const renewAt = 0.3;

/** Writes a certificate for each member into a folder that only this user can look into, and renews them all. */
export async function openWorkloadFolders(options: {
  readonly folder: string;
  /** The workload of each member. Replicas are one workload, with a key each. */
  readonly members: ReadonlyMap<string, string>;
  readonly authority: MeshAuthority;
  readonly lifetimeMs: number;
  readonly log: Logger;
}): Promise<WorkloadFolders> {
  const { folder, members, authority, lifetimeMs, log } = options;
  const files = (member: string): WorkloadFiles => ({
    certificate: join(folder, member, "tls.crt"),
    privateKey: join(folder, member, "tls.key"),
    authority: join(folder, member, "ca.crt"),
  });

  async function renew(member: string, lifetimeMs?: number): Promise<void> {
    const issued = await authority.issue(members.get(member)!, lifetimeMs);
    const paths = files(member);
    await mkdir(join(folder, member), { recursive: true, mode: 0o700 });
    await replace(paths.authority, issued.authority);
    // A process that reads between the two writes finds a mismatched pair, and reads again.
    await replace(paths.privateKey, issued.privateKey);
    await replace(paths.certificate, issued.certificate);
  }

  await Promise.all([...members.keys()].map((member) => renew(member)));
  const renewing = new Set<string>();
  const timer = setInterval(() => {
    for (const member of members.keys()) {
      if (renewing.has(member)) continue; // On a busy machine two renewals at once would mix up their files.
      renewing.add(member);
      renew(member)
        .catch((err: unknown) => log.error({ err }, "a workload's certificate was not renewed"))
        .finally(() => renewing.delete(member));
    }
  }, lifetimeMs * renewAt);
  return { files, renew, close: () => clearInterval(timer) };
}

/** Writes atomically. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
