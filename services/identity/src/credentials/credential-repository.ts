import type { Change, Document, Store } from "@wellapi/store";
import { collections, INSTALLATION } from "../collections.ts";
import type { CommitWithLeaf } from "../creation.ts";
import { damaged, notFound } from "../errors.ts";
import { type ListPage, openedPage, type PageRequest } from "../page.ts";
import { type Credential, endingBy, standingOf } from "./credential.ts";

type CredentialDocument = Document & {
  readonly id: string;
  readonly kind: Credential["kind"];
  /** Empty for an operator's. */
  readonly application: string;
  readonly organization: string;
  /** Empty for an application's. */
  readonly operator: string;
  readonly fingerprint: string;
  readonly createTime: number;
  readonly expireTime: number;
  readonly revokeTime?: number;
  readonly hint: string;
  readonly displayName?: string;
  readonly scopes?: readonly string[];
  readonly networks?: readonly string[];
  readonly useTime?: number;
  readonly successor?: string;
};

/** Credentials, by id and by fingerprint. No secret is stored. */
export interface CredentialRepository {
  /**
   * `also` is committed with it: a guard that its application still exists, and the stored answer. False where one of
   * these was refused, and nothing was stored.
   */
  insert(credential: Credential, commit: CommitWithLeaf, also: readonly Change[]): Promise<boolean>;
  /** Throws `not_found`. */
  credential(id: string): Promise<Credential>;
  find(id: string): Promise<Credential | undefined>;
  findByFingerprint(fingerprint: string): Promise<Credential | undefined>;
  /** Newest first. */
  ofApplication(application: string, page: PageRequest): Promise<ListPage<Credential>>;
  /**
   * `changed` is false where it was revoked before; its first time stays. `also` gives further changes of the same
   * commit. Throws `not_found`, and what `also` throws: it is asked again where something else changed meanwhile.
   */
  revoke(
    id: string,
    now: number,
    commit: CommitWithLeaf,
    also?: (revoked: Credential) => readonly Change[] | Promise<readonly Change[]>,
  ): Promise<{ credential: Credential; changed: boolean }>;
  /**
   * Stores a credential together with the one that it replaces, as `replaced` says, which gets the stored one. False
   * where something else changed meanwhile, and nothing was stored. Throws `not_found` and what `replaced` throws.
   */
  replace(
    id: string,
    replaced: (current: Credential) => { readonly old: Credential; readonly next: Credential },
    commit: CommitWithLeaf,
    also: (old: Credential, next: Credential) => readonly Change[] | Promise<readonly Change[]>,
  ): Promise<{ readonly old: Credential; readonly next: Credential } | undefined>;
  /** It ends by `end`. Throws `not_found`. */
  shorten(id: string, end: number, commit: CommitWithLeaf): Promise<void>;
  /** Notes a last use; changes nothing where another one is noted within `withinMs` of it, or the credential is gone. */
  noteUse(id: string, now: number, withinMs: number): Promise<void>;
  /** Operators' keys, newest first. */
  ofOperators(page: PageRequest): Promise<ListPage<Credential>>;
  /**
   * An operator's key that is in force, other than this one, or an operator of the staff, with a guard that it stays so;
   * undefined: there is none.
   */
  operatorInForce(now: number, except?: string): Promise<Change | undefined>;
  /** Stores an operator with its key. False where one of `also` was refused, and nothing was stored. */
  insertOperator(
    operator: string,
    key: Credential,
    commit: CommitWithLeaf,
    also: readonly Change[],
  ): Promise<boolean>;
}

/** A page of a scan over all. */
const MAX_LISTED = 1000;

/** `staffOperator` gives a guard that a person of the staff is an operator, where that is so. */
export function createCredentialRepository(
  store: Store,
  staffOperator: () => Promise<Change | undefined> = async () => undefined,
): CredentialRepository {
  const get = (id: string) => store.get<CredentialDocument>(collections.credentials, [INSTALLATION, id]);

  async function ofApplication(application: string, page: PageRequest): Promise<ListPage<Credential>> {
    const equals = [INSTALLATION, application];
    const scan = { index: "application", equals, order: "descending" } as const;
    return openedPage(store, collections.credentials, scan, page, toCredential);
  }

  return {
    async insert(credential, commit, also) {
      const document = toDocument(credential);
      const result = await commit({
        partition: INSTALLATION,
        changes: [{ kind: "insert", collection: collections.credentials, document }, ...also],
      });
      if (!result.committed && result.change === 0) {
        throw damaged("a new credential's id or fingerprint exists");
      }
      return result.committed;
    },
    async credential(id) {
      const stored = await get(id);
      if (!stored) throw notFound("credential");
      return toCredential(stored.document);
    },
    async find(id) {
      const stored = await get(id);
      return stored && toCredential(stored.document);
    },
    async findByFingerprint(fingerprint) {
      const { documents } = await store.scan<CredentialDocument>(collections.credentials, {
        index: "fingerprint",
        equals: [INSTALLATION, fingerprint],
        limit: 1,
      });
      return documents[0] && toCredential(documents[0].document);
    },
    ofApplication,
    async revoke(id, now, commit, also = () => []) {
      for (;;) {
        const stored = await get(id);
        if (!stored) throw notFound("credential");
        const { document, revision } = stored;
        if (document.revokeTime !== undefined) return { credential: toCredential(document), changed: false };
        const revoked: CredentialDocument = { ...document, revokeTime: now };
        const result = await commit({
          partition: INSTALLATION,
          changes: [
            { kind: "replace", collection: collections.credentials, document: revoked, ifRevision: revision },
            ...(await also(toCredential(revoked))),
          ],
        });
        if (result.committed) return { credential: toCredential(revoked), changed: true };
      }
    },
    ...createAmendments(store),
    ofOperators: (page) => ofApplication("", page),
    operatorInForce: async (now, except) =>
      (await operatorInForce(store, now, except)) ?? (await staffOperator()),
    async insertOperator(operator, key, commit, also) {
      const created = { partition: INSTALLATION, id: operator, createTime: key.createTime };
      const result = await commit({
        partition: INSTALLATION,
        changes: [
          { kind: "insert", collection: collections.operators, document: created },
          { kind: "insert", collection: collections.credentials, document: toDocument(key) },
          ...also,
        ],
      });
      if (!result.committed && result.change < 2) {
        throw damaged("a new operator's id exists");
      }
      return result.committed;
    },
  };
}

/** Changes of stored credentials, but for their revocation. */
function createAmendments(store: Store): Pick<CredentialRepository, "replace" | "shorten" | "noteUse"> {
  const collection = collections.credentials;
  const get = (id: string) => store.get<CredentialDocument>(collection, [INSTALLATION, id]);

  async function stored(id: string) {
    const found = await get(id);
    if (!found) throw notFound("credential");
    return { credential: toCredential(found.document), ifRevision: found.revision };
  }
  const replacement = (credential: Credential, ifRevision: number): Change => {
    return { kind: "replace", collection, document: toDocument(credential), ifRevision };
  };

  return {
    async replace(id, replaced, commit, also) {
      const { credential, ifRevision } = await stored(id);
      const { old, next } = replaced(credential);
      const insertion: Change = { kind: "insert", collection, document: toDocument(next) };
      const changes = [insertion, replacement(old, ifRevision), ...(await also(old, next))];
      const result = await commit({ partition: INSTALLATION, changes });
      if (!result.committed && result.change === 0) {
        throw damaged("a new credential's id or fingerprint exists");
      }
      return result.committed ? { old, next } : undefined;
    },
    async shorten(id, end, commit) {
      for (;;) {
        const { credential, ifRevision } = await stored(id);
        const changes = [replacement(endingBy(credential, end), ifRevision)];
        if ((await commit({ partition: INSTALLATION, changes })).committed) return;
      }
    },
    async noteUse(id, now, withinMs) {
      const found = await get(id);
      if (found === undefined || now - (found.document.useTime ?? 0) < withinMs) return;
      const changes = [replacement({ ...toCredential(found.document), useTime: now }, found.revision)];
      // A change meanwhile is no matter: the next use is noted.
      await store.commit({ partition: INSTALLATION, changes });
    },
  };
}

async function operatorInForce(
  store: Store,
  now: number,
  except: string | undefined,
): Promise<Change | undefined> {
  const request = {
    index: "application",
    equals: [INSTALLATION, ""],
    order: "descending",
    limit: MAX_LISTED,
  } as const;
  let cursor: string | undefined;
  do {
    const page = await store.scan<CredentialDocument>(collections.credentials, {
      ...request,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const found = page.documents.find(
      ({ document }) => document.id !== except && standingOf(toCredential(document), now) === "in force",
    );
    if (found !== undefined) {
      const { document, revision } = found;
      return { kind: "replace", collection: collections.credentials, document, ifRevision: revision };
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return undefined;
}

function toDocument({ holder, ...credential }: Credential): CredentialDocument {
  const byOperator = holder.kind === "operator";
  return {
    ...credential,
    partition: INSTALLATION,
    application: byOperator ? "" : holder.application,
    organization: byOperator ? "" : holder.organization,
    operator: byOperator ? holder.operator : "",
  };
}

function toCredential(document: CredentialDocument): Credential {
  const { partition: _, application, organization, operator, ...credential } = document;
  return {
    ...credential,
    holder:
      operator === "" ? { kind: "application", application, organization } : { kind: "operator", operator },
  };
}
