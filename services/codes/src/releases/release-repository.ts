import { type Document, type Store, type Stored, scanPages } from "@wellapi/store";
import type { KnownCode } from "../catalog/catalog.ts";
import { collections, INSTALLATION } from "../collections.ts";
import { CodesError } from "../errors.ts";
import {
  type ConceptDocument,
  type Release,
  type ReleaseDocument,
  type ReleaseKind,
  searchName,
} from "./release.ts";

/** Commits changes of the partition together with the entry of the call that makes them, where it leaves one. */
export type CommitChanges = Store["commit"];

export type NewRelease = Pick<Release, "id" | "kind" | "url" | "version" | "title" | "created">;

export interface ReleaseRepository {
  releases(): Promise<readonly Release[]>;
  /** Versions of a system or set that answer, the one that was activated last first. */
  active(kind: ReleaseKind, url: string): Promise<readonly Release[]>;
  /** Inserts it, or finds the one that is loading. Throws `release_exists`. */
  begin(release: NewRelease, commit: CommitChanges): Promise<Release>;
  /** Throws `unknown_release`, `release_not_loading`, `concepts_missing`. */
  add(id: string, offset: number, codes: readonly KnownCode[]): Promise<Release>;
  /** Throws `unknown_release`, `release_not_loading`, `concepts_missing`. */
  activate(id: string, sent: number, now: number, commit: CommitChanges): Promise<Release>;
  /** Hides it at once, then deletes its codes. Deleting again goes on. */
  remove(id: string, commit: CommitChanges): Promise<void>;
}

const deletedAtOnce = 1_000;

export function createReleaseRepository(store: Store): ReleaseRepository {
  return {
    async releases() {
      const all: Release[] = [];
      const scan = { equals: [INSTALLATION], limit: 1_000 };
      for await (const page of scanPages<ReleaseDocument>(store, collections.releases, scan))
        all.push(...page.documents.map(({ document }) => document));
      return all.sort((a, b) => compare(a.url, b.url) || b.created - a.created);
    },
    async active(kind, url) {
      const found = (await versions(store, kind, url)).filter(({ state }) => state === "active");
      return found.sort((a, b) => b.activated! - a.activated!);
    },
    async begin(release, commit) {
      for (;;) {
        const [before] = await versions(store, release.kind, release.url, release.version);
        if (before?.state === "loading") return before;
        if (before !== undefined) throw new CodesError("release_exists");
        const document = {
          ...release,
          partition: INSTALLATION,
          state: "loading",
          sent: 0,
          codes: 0,
        } as const;
        const result = await commit({
          partition: INSTALLATION,
          changes: [{ kind: "insert", collection: collections.releases, document }],
        });
        if (result.committed) return document;
      }
    },
    async add(id, offset, codes) {
      for (;;) {
        const stored = await get(store, id);
        const left = codes.slice(placeIn(stored.document, offset));
        if (left.length === 0) return stored.document;
        const added = await commitConcepts(store, stored, left);
        if (added !== undefined) return added;
      }
    },
    activate(id, sent, now, commit) {
      return amend(store, id, commit, (release) => {
        if (release.sent !== sent) throw new CodesError("concepts_missing");
        if (release.state === "active") return release;
        if (release.state !== "loading") throw new CodesError("release_not_loading");
        return { ...release, state: "active", activated: now };
      });
    },
    async remove(id, commit) {
      await amend(store, id, commit, (release) =>
        release.state === "deleting" ? release : { ...release, state: "deleting" },
      );
      await deleteConcepts(store, id);
      const changes = [
        { kind: "delete", collection: collections.releases, key: [INSTALLATION, id] },
      ] as const;
      await store.commit({ partition: INSTALLATION, changes });
    },
  };
}

async function get(store: Store, id: string): Promise<Stored<ReleaseDocument>> {
  const found = await store.get<ReleaseDocument>(collections.releases, [INSTALLATION, id]);
  if (found === undefined) throw new CodesError("unknown_release");
  return found;
}

async function versions(
  store: Store,
  kind: ReleaseKind,
  url: string,
  version?: string,
): Promise<readonly ReleaseDocument[]> {
  const equals = [INSTALLATION, kind, url, ...(version === undefined ? [] : [version])];
  const scan = { index: "url", equals, limit: 1_000 };
  const page = await store.scan<ReleaseDocument>(collections.releases, scan);
  return page.documents.map(({ document }) => document);
}

/** Replaces the release by what `change` makes of it, until nothing came between. */
async function amend(
  store: Store,
  id: string,
  commit: CommitChanges,
  change: (release: ReleaseDocument) => ReleaseDocument,
): Promise<Release> {
  for (;;) {
    const { document, revision } = await get(store, id);
    const changed = change(document);
    if (changed === document) return document;
    const result = await commit({
      partition: INSTALLATION,
      changes: [
        { kind: "replace", collection: collections.releases, document: changed, ifRevision: revision },
      ],
    });
    if (result.committed) return changed;
  }
}

/** How many from the offset on are there already. */
function placeIn({ state, sent }: Release, offset: number): number {
  if (state !== "loading") throw new CodesError("release_not_loading");
  if (offset > sent) throw new CodesError("concepts_missing");
  return sent - offset;
}

async function deleteConcepts(store: Store, release: string): Promise<void> {
  for (;;) {
    const page = await store.scan<ConceptDocument>(collections.concepts, {
      equals: [INSTALLATION, release],
      limit: deletedAtOnce,
    });
    const keys = page.documents.map(({ document: { system, code } }) => [
      INSTALLATION,
      release,
      system,
      code,
    ]);
    if (keys.length === 0) return;
    const changes = keys.map((key) => ({ kind: "delete", collection: collections.concepts, key }) as const);
    await store.commit({ partition: INSTALLATION, changes });
  }
}

/** Undefined where another call came between. A code that is there already stays as it is. */
async function commitConcepts(
  store: Store,
  { document, revision }: Stored<ReleaseDocument>,
  codes: readonly KnownCode[],
): Promise<Release | undefined> {
  const fresh = new Map(codes.map((one) => [JSON.stringify([one.system, one.code]), one]));
  for (;;) {
    const documents = [...fresh.values()].map((one) => conceptDocument(document, one));
    const release = {
      ...document,
      sent: document.sent + codes.length,
      codes: document.codes + documents.length,
    };
    const result = await store.commit({
      partition: INSTALLATION,
      changes: [
        { kind: "replace", collection: collections.releases, document: release, ifRevision: revision },
        ...documents.map(
          (one) => ({ kind: "insert", collection: collections.concepts, document: one }) as const,
        ),
      ],
    });
    if (result.committed) return release;
    if (result.reason === "conflict") return undefined;
    const { system, code } = documents[result.change - 1]!;
    fresh.delete(JSON.stringify([system, code]));
  }
}

function conceptDocument(
  { id, kind, url }: Release,
  { system, code, display, inactive }: KnownCode,
): ConceptDocument & Document {
  return {
    partition: INSTALLATION,
    release: id,
    // A code system's codes are its own, whatever the sender wrote.
    system: kind === "code_system" ? url : system,
    code,
    display,
    name: searchName(display),
    inactive,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
