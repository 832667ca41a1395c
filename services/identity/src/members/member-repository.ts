import type { Role } from "@wellapi/rpc";
import type { Change, Document, Store, Stored } from "@wellapi/store";
import type { ItemSealer } from "@wellapi/vault";
import { collections, INSTALLATION } from "../collections.ts";
import type { CommitWithLeaf } from "../creation.ts";
import { notFound, staleEtag } from "../errors.ts";
import type { ListPage, PageRequest } from "../page.ts";
import { type Body, etagOf, inOrder, keeperRole, type Member } from "./member.ts";
import { lastKeeper } from "./member-errors.ts";

export type MemberDocument = Document & {
  readonly body: Body;
  readonly account: string;
  /** Empty once the membership has ended; the document stays, so that versions go on. */
  readonly roles: readonly Role[];
  readonly createTime: number;
  readonly updateTime: number;
  readonly version: number;
  /** The address, sealed at this place. Gone once the membership has ended. */
  readonly email?: Uint8Array;
};

/** Members of organizations and of the staff, by body and account. */
export interface MemberRepository {
  /** Undefined for who is no member, or not any more. */
  find(body: Body, account: string): Promise<Member | undefined>;
  /** By account. A page may be short where there are former members. */
  ofBody(body: Body, page: PageRequest): Promise<ListPage<Member>>;
  /** What an account is a member of now: at most 1,000. */
  ofAccount(account: string): Promise<readonly Member[]>;
  /**
   * The changes that make the account a member with these roles, beside those that it has, and the member as it is then.
   * They are refused as a conflict where its membership changed meanwhile.
   */
  joining(
    joined: Pick<Member, "body" | "account" | "roles" | "email">,
    now: number,
  ): Promise<{ readonly member: Member; readonly changes: readonly Change[] }>;
  /**
   * Gives the member these roles; none ends the membership. `also` gives further changes of the same commit. The last
   * keeper's role stays: throws `last_keeper`, also where two ends are tried at once. Throws `not_found`, `stale_etag`, and
   * what `check` throws, which sees the member as it was.
   */
  change(
    asked: { readonly body: Body; readonly account: string; readonly roles: readonly Role[] },
    options: {
      readonly etag: string;
      readonly now: number;
      readonly commit: CommitWithLeaf;
      readonly check?: (before: Member) => void;
      readonly also: (changed: Member) => readonly Change[];
    },
  ): Promise<{ readonly member: Member; readonly changed: boolean }>;
  /** A member with the keeper's role, with a guard that it stays so; undefined: there is none. */
  keeper(body: Body, except?: string): Promise<Change | undefined>;
  /** What the journal says of a membership, where the data is older. Nothing for one that the data does not have. */
  replay(
    told: Pick<Member, "body" | "account" | "roles" | "version">,
    time: number,
    commit: CommitWithLeaf,
  ): Promise<void>;
}

const MOST_OF_AN_ACCOUNT = 1_000;
const SCANNED_AT_ONCE = 500;
const { members } = collections;

export function createMemberRepository(store: Store, sealer: ItemSealer): MemberRepository {
  const toMember = (document: MemberDocument) => memberOf(sealer, document);
  return {
    async find(body, account) {
      const stored = await storedMember(store, body, account);
      return stored && isMember(stored.document) ? toMember(stored.document) : undefined;
    },
    async ofBody(body, { size, cursor }) {
      const scan = { equals: [INSTALLATION, body], limit: size, ...(cursor === undefined ? {} : { cursor }) };
      const page = await store.scan<MemberDocument>(members, scan);
      const items = page.documents.map(({ document }) => document).filter(isMember);
      return { items: items.map(toMember), ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },
    async ofAccount(account) {
      const { documents } = await store.scan<MemberDocument>(members, {
        index: "account",
        equals: [INSTALLATION, account],
        limit: MOST_OF_AN_ACCOUNT,
      });
      const found = documents.map(({ document }) => document).filter(isMember);
      return found.map(toMember);
    },
    async joining({ body, account, roles, email }, now) {
      const stored = await storedMember(store, body, account);
      const before = stored?.document;
      const stays = before !== undefined && isMember(before);
      const kept = stays ? before.email : undefined;
      const address = email === undefined ? kept : sealer.seal(placeOf(body, account), Buffer.from(email));
      const document: MemberDocument = {
        partition: INSTALLATION,
        body,
        account,
        roles: inOrder(body, [...(before?.roles ?? []), ...roles]),
        createTime: stays ? before.createTime : now,
        updateTime: now,
        version: (before?.version ?? 0) + 1,
        ...(address === undefined ? {} : { email: address }),
      };
      return { member: toMember(document), changes: [writing(document, stored)] };
    },
    change: (asked, options) => change(store, toMember, asked, options),
    keeper: (body, except) => keeperOf(store, body, except),
    async replay({ body, account, roles, version }, time, commit) {
      for (;;) {
        const stored = await storedMember(store, body, account);
        if (stored === undefined || stored.document.version >= version) return;
        const document = withRoles(stored.document, inOrder(body, roles), version, time);
        const result = await commit({ partition: INSTALLATION, changes: [writing(document, stored)] });
        if (result.committed) return;
      }
    },
  };
}

async function change(
  store: Store,
  toMember: (document: MemberDocument) => Member,
  ...[{ body, account, roles }, { etag, now, commit, check, also }]: Parameters<MemberRepository["change"]>
): Promise<{ readonly member: Member; readonly changed: boolean }> {
  for (;;) {
    const stored = await storedMember(store, body, account);
    if (stored === undefined || !isMember(stored.document)) throw notFound("member");
    const before = toMember(stored.document);
    check?.(before);
    const asked = inOrder(body, roles);
    // Before the etag: a repeated change whose first answer was lost gets the same answer again.
    if (String(asked) === String(before.roles)) return { member: before, changed: false };
    if (etag !== "" && etag !== etagOf(before)) throw staleEtag("member");
    const document = withRoles(stored.document, asked, before.version + 1, now);
    const member = toMember(document);
    const guards = await guardOf(store, before, asked);
    const result = await commit({
      partition: INSTALLATION,
      changes: [writing(document, stored), ...guards, ...also(member)],
    });
    if (result.committed) return { member, changed: true };
  }
}

/** An address is kept only as long as the membership lasts. */
function withRoles(
  { email, ...rest }: MemberDocument,
  roles: readonly Role[],
  version: number,
  now: number,
): MemberDocument {
  const kept = roles.length > 0 && email !== undefined ? { email } : {};
  return { ...(rest as MemberDocument), roles, version, updateTime: now, ...kept };
}

/** Throws VaultError `tampered`. */
export function memberOf(sealer: ItemSealer, document: MemberDocument): Member {
  const { body, account, roles, createTime, updateTime, version, email } = document;
  const opened = email && Buffer.from(sealer.open(placeOf(body, account), email)).toString();
  return {
    ...{ body, account, roles, createTime, updateTime, version },
    ...(opened === undefined ? {} : { email: opened }),
  };
}

function storedMember(
  store: Store,
  body: Body,
  account: string,
): Promise<Stored<MemberDocument> | undefined> {
  return store.get<MemberDocument>(members, [INSTALLATION, body, account]);
}

export function placeOf(body: Body, account: string): readonly string[] {
  return [members, body, account];
}

function isMember({ roles }: MemberDocument): boolean {
  return roles.length > 0;
}

function writing(document: MemberDocument, stored: Stored | undefined): Change {
  return stored === undefined
    ? { kind: "insert", collection: members, document }
    : { kind: "replace", collection: members, document, ifRevision: stored.revision };
}

/** What must hold where the keeper's role is taken from a member: another one has it, and keeps it in the same commit. */
async function guardOf(store: Store, before: Member, roles: readonly Role[]): Promise<readonly Change[]> {
  const { body, account } = before;
  const role = keeperRole(body);
  if (!before.roles.includes(role) || roles.includes(role)) return [];
  const other = await keeperOf(store, body, account);
  if (other === undefined) throw lastKeeper(role);
  return [other];
}

async function keeperOf(store: Store, body: Body, except: string | undefined): Promise<Change | undefined> {
  const role = keeperRole(body);
  let cursor: string | undefined;
  do {
    const page = await store.scan<MemberDocument>(members, {
      equals: [INSTALLATION, body],
      limit: SCANNED_AT_ONCE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const found = page.documents.find(
      ({ document }) => document.account !== except && document.roles.includes(role),
    );
    if (found !== undefined) {
      const { document, revision } = found;
      return { kind: "replace", collection: members, document, ifRevision: revision };
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return undefined;
}
