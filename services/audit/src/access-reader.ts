import { AccessLogError } from "@wellapi/access-log";
import type { DamageReporter } from "@wellapi/runtime";
import { StoreError } from "@wellapi/store";
import { VaultError } from "@wellapi/vault";
import { type Interval, isVisible, type Scope } from "./access.ts";
import { type AccessRepository, accessesCollection, type StoredAccess } from "./access-repository.ts";
import type { AccessSealing } from "./access-sealing.ts";
import { type AccessSearch, type OpenedAccess, searched } from "./access-search.ts";
import { damagedAccess, damagedAccesses, notFound } from "./errors.ts";
import type { LogRepository } from "./log-repository.ts";

/** An access, opened, with its place. */
export interface ReadAccess extends OpenedAccess {
  /** The organization that reads its own accesses; else only what is sealed says whose access it was. */
  readonly organization: string | undefined;
  /** Position in the log; undefined while no published checkpoint covers it. */
  readonly index: number | undefined;
}

export interface AccessQuery {
  readonly interval: Interval;
  readonly pageSize: number;
  readonly cursor: string | undefined;
  /** Count all that match, up to this number. */
  readonly countTo?: number | undefined;
}

export interface AccessPage {
  readonly accesses: readonly ReadAccess[];
  /** Where the next page begins; undefined at the end. */
  readonly cursor: string | undefined;
  /** Undefined unless it was asked for. */
  readonly total: number | undefined;
}

/** What organizations did with a patient's record, opened. */
export interface ContentsPage {
  readonly contents: ReadonlyArray<{
    readonly timeMs: number;
    /** Nonce and body; undefined where it is damaged, and where the patient's audit key was destroyed. */
    readonly secret: Uint8Array | undefined;
  }>;
  /** How many accesses were looked at, the patient's own among them, and the time of the last of them. */
  readonly looked: number;
  readonly oldest: number | undefined;
  readonly cursor: string | undefined;
}

/** Shows accesses to callers who may see them. */
export interface AccessReader {
  /** Throws `not_found`, the same for an access that does not exist and for one out of scope, and `damaged`. */
  get(scope: Scope | undefined, id: string): Promise<ReadAccess>;
  /** Newest first, damaged ones included. */
  list(scope: Scope, query: AccessQuery): Promise<AccessPage>;
  /** Newest first, of those that fit; fewer than a page where many had to be looked through. */
  search(scope: Scope, search: AccessSearch): Promise<Pick<AccessPage, "accesses" | "cursor">>;
  /** Accesses of organizations, or of this one, to a patient's record, newest first, without their positions. Throws `damaged`. */
  contents(
    partition: string,
    query: {
      readonly interval: Interval;
      readonly limit: number;
      readonly cursor: string | undefined;
      readonly organization: string | undefined;
    },
  ): Promise<ContentsPage>;
}

interface ReaderDeps {
  readonly accesses: AccessRepository;
  readonly log: LogRepository;
  readonly sealing: AccessSealing;
  /** Whether every access is in the index by organization (access-migration.ts). */
  readonly whole: boolean;
  /** Entries that the published checkpoint covers. */
  readonly publishedSize: () => number;
  readonly damage: DamageReporter;
}

export function createAccessReader(deps: ReaderDeps): AccessReader {
  const { accesses, sealing, whole } = deps;
  const { stored, open, openSecret, place } = createAccessOpener(deps);
  const checkWhole = (scope: Scope) => {
    // A list with a gap would look whole.
    if (scope.kind === "organization" && !whole) throw damagedAccesses();
  };
  return {
    async get(scope, id) {
      const access = await accesses.find(id);
      if (scope === undefined || access === undefined || !isVisible(stored(scope), access)) throw notFound();
      const read = await open(access, scope);
      if (read.damaged) throw damagedAccess();
      return read;
    },
    async list(scope, { interval, pageSize, cursor, countTo }) {
      checkWhole(scope);
      const page = await accesses.list(stored(scope), interval, pageSize, cursor);
      return {
        accesses: await Promise.all(page.accesses.map((access) => open(access, scope))),
        cursor: page.cursor,
        total: countTo === undefined ? undefined : await accesses.count(stored(scope), interval, countTo),
      };
    },
    async search(scope, search) {
      checkWhole(scope);
      const { organization, interval } = search;
      const tag = organization && sealing.tagOf(organization);
      const found = await searched(search, {
        list: (limit, cursor) => accesses.list(stored(scope), interval, limit, cursor),
        // What belongs to no organization may be about one.
        mayFit: (access) => tag === undefined || [tag, undefined].includes(access.organization),
        openSecret,
      });
      const placed = found.accesses.map(async (one) => ({ ...one, ...(await place(one.stored, scope)) }));
      return { accesses: await Promise.all(placed), cursor: found.cursor };
    },
    async contents(partition, { interval, limit, cursor, organization }) {
      if (organization !== undefined && !whole) throw damagedAccesses();
      const tag = organization && sealing.tagOf(organization);
      const page = await accesses.list({ kind: "partition", partition }, interval, limit, cursor);
      const theirs = page.accesses.filter((one) =>
        tag === undefined ? one.organization !== undefined : one.organization === tag,
      );
      return {
        contents: await Promise.all(
          theirs.map(async (one) => ({ timeMs: one.timeMs, secret: (await openSecret(one)).secret })),
        ),
        looked: page.accesses.length,
        oldest: page.accesses.at(-1)?.timeMs,
        cursor: page.cursor,
      };
    },
  };
}

function createAccessOpener({ log, sealing, publishedSize, damage }: ReaderDeps) {
  async function openSecret({ partition, id, sealed }: StoredAccess) {
    try {
      return { secret: await sealing.open(partition, id, sealed), damaged: false };
    } catch (cause) {
      if (!isDamagedAccess(cause)) throw cause;
      const document = [partition, id];
      damage.report({ collection: accessesCollection.name, document, what: "its seal does not open" }, cause);
      return { secret: undefined, damaged: true };
    }
  }

  async function place({ id }: StoredAccess, scope: Scope) {
    const index = await log.indexOf(id);
    return {
      // The checkpoint covers it, so a shown index can be proven at once.
      index: index !== undefined && index < publishedSize() ? index : undefined,
      organization: scope.kind === "organization" ? scope.organization : undefined,
    };
  }

  return {
    openSecret,
    place,
    /** As stored accesses have it: an organization by its tag. */
    stored(scope: Scope): Scope {
      if (scope.kind === "partition") return scope;
      return { ...scope, organization: sealing.tagOf(scope.organization) };
    },
    async open(stored: StoredAccess, scope: Scope): Promise<ReadAccess> {
      const [opened, placed] = await Promise.all([openSecret(stored), place(stored, scope)]);
      return { stored, ...opened, ...placed };
    },
  };
}

/** Damage of this access, or of the key that opens it; not of the whole file that holds the keys. */
export function isDamagedAccess(error: unknown): boolean {
  if (error instanceof AccessLogError) return error.code === "tampered";
  if (!(error instanceof VaultError)) return false;
  return error.code === "tampered" || (error.code === "damaged" && !(error.cause instanceof StoreError));
}
