import { type Interval, isVisible, type Scope } from "./access.ts";
import type { AccessRepository, StoredAccess } from "./access-repository.ts";
import type { AccessSealing } from "./access-sealing.ts";
import { notFound } from "./errors.ts";
import type { LogRepository } from "./log-repository.ts";

/** An access, opened. */
export interface ReadAccess {
  readonly stored: StoredAccess;
  /** Nonce and body; undefined where the patient's audit key was destroyed. */
  readonly secret: Uint8Array | undefined;
  /** Position in the log; undefined while no published checkpoint covers it. */
  readonly index: number | undefined;
}

/** Shows accesses to those who may see them. */
export interface AccessReader {
  /** Throws `not_found`, the same for what does not exist and for what is not in scope. */
  get(scope: Scope | undefined, id: string): Promise<ReadAccess>;
  /** Newest first. `cursor` is where the next page begins, undefined at the end. */
  list(
    scope: Scope,
    query: { readonly interval: Interval; readonly pageSize: number; readonly cursor: string | undefined },
  ): Promise<{ readonly accesses: readonly ReadAccess[]; readonly cursor: string | undefined }>;
}

export function createAccessReader(deps: {
  readonly accesses: AccessRepository;
  readonly log: LogRepository;
  readonly sealing: AccessSealing;
  /** Entries that the published checkpoint covers. */
  readonly publishedSize: () => number;
}): AccessReader {
  const { accesses, log, sealing, publishedSize } = deps;

  async function open(stored: StoredAccess): Promise<ReadAccess> {
    const { partition, id, sealed } = stored;
    const [secret, index] = await Promise.all([sealing.open(partition, id, sealed), log.indexOf(id)]);
    // An index that is shown can be proven at once.
    return { stored, secret, index: index !== undefined && index < publishedSize() ? index : undefined };
  }

  return {
    async get(scope, id) {
      const stored = await accesses.find(id);
      if (scope === undefined || stored === undefined || !isVisible(scope, stored)) throw notFound();
      return open(stored);
    },
    async list(scope, { interval, pageSize, cursor }) {
      const page = await accesses.list(scope, interval, pageSize, cursor);
      return { accesses: await Promise.all(page.accesses.map(open)), cursor: page.cursor };
    },
  };
}
