import { type Interval, isVisible, type Scope } from "./access.ts";
import type { AccessRepository, StoredAccess } from "./access-repository.ts";
import type { AccessSealing } from "./access-sealing.ts";
import { invalidPageToken, notFound } from "./errors.ts";
import type { LogRepository } from "./log-repository.ts";
import type { PageTokens } from "./page-tokens.ts";

/** An access, opened. */
export interface ReadAccess {
  readonly stored: StoredAccess;
  /** Nonce and body; undefined where the patient's audit key was destroyed. */
  readonly secret: Uint8Array | undefined;
  /** Position in the log; undefined while pending. */
  readonly index: number | undefined;
}

/** Shows accesses to those who may see them. */
export interface AccessReader {
  /** Throws `not_found`, the same for what does not exist and for what is not in scope. */
  get(scope: Scope | undefined, id: string): Promise<ReadAccess>;
  /** Newest first. Throws `invalid_page_token`. */
  list(
    scope: Scope,
    query: { readonly interval: Interval; readonly pageSize: number; readonly pageToken: string },
  ): Promise<{ readonly accesses: readonly ReadAccess[]; readonly nextPageToken: string }>;
}

export function createAccessReader(deps: {
  readonly accesses: AccessRepository;
  readonly log: LogRepository;
  readonly sealing: AccessSealing;
  readonly pageTokens: PageTokens;
}): AccessReader {
  const { accesses, log, sealing, pageTokens } = deps;

  async function open(stored: StoredAccess): Promise<ReadAccess> {
    const { partition, id, sealed } = stored;
    const [secret, index] = await Promise.all([sealing.open(partition, id, sealed), log.indexOf(id)]);
    return { stored, secret, index };
  }

  function openToken(binding: string, token: string): string | undefined {
    if (token === "") return undefined;
    try {
      return pageTokens.open(binding, token);
    } catch (cause) {
      throw invalidPageToken({ cause });
    }
  }

  return {
    async get(scope, id) {
      const stored = await accesses.find(id);
      if (scope === undefined || stored === undefined || !isVisible(scope, stored)) throw notFound();
      return open(stored);
    },
    async list(scope, { interval, pageSize, pageToken }) {
      const binding = JSON.stringify([
        "audit.ListAccesses",
        scope,
        interval.from ?? null,
        interval.to ?? null,
      ]);
      const page = await accesses.list(scope, interval, pageSize, openToken(binding, pageToken));
      return {
        accesses: await Promise.all(page.accesses.map(open)),
        nextPageToken: page.cursor === undefined ? "" : pageTokens.seal(binding, page.cursor),
      };
    },
  };
}
