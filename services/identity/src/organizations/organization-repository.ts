import type { Change, Store, Stored } from "@wellapi/store";
import { collections, INSTALLATION } from "../collections.ts";
import type { CommitWithLeaf, CreatedDocument, Creation } from "../creation.ts";
import { contentDigest, findCreated, insertOnce } from "../creation.ts";
import { deleted, notFound, requestIdReused, staleEtag } from "../errors.ts";
import { type ListPage, openedPage, type PageRequest } from "../page.ts";
import { applicationsOf, originChanges } from "./client-origins.ts";
import { type Application, etagOf, type Kind, type Organization } from "./organization.ts";

type OrganizationDocument = CreatedDocument & Organization & { readonly digest: string };
type ApplicationDocument = CreatedDocument & Application & { readonly digest: string };

/** The new state of a resource, and changes to commit with it. The same object means that nothing changes. */
export interface Amendment<T> {
  readonly change: (current: T) => T;
  readonly also?: (changed: T, before: T) => readonly Change[];
  /** Checked again at each attempt: it must also hold with commits that came meanwhile. */
  readonly unless?: (current: T) => Promise<void>;
}

/** Organizations and applications. Creations are made once per creator and request_id. */
export interface OrganizationRepository {
  createOrganization(
    organization: Organization,
    creation: Creation,
    commit: CommitWithLeaf,
  ): Promise<Organization>;
  /** What the request made before, if it did. Throws `request_id_reused`. */
  findCreated(organization: Organization, creation: Creation): Promise<Organization | undefined>;
  /** The change that stores a new organization. */
  insertion(organization: Organization, creation: Creation): Change;
  /** Throws `not_found`. */
  organization(id: string): Promise<Organization>;
  /** By id. A page may be short where deleted ones are left out. */
  organizations(page: PageRequest, withDeleted: boolean): Promise<ListPage<Organization>>;
  /** `etag` is empty or must be the current one. Throws `not_found`, `stale_etag` and what `amendment` throws. */
  amendOrganization(
    id: string,
    etag: string,
    amendment: Amendment<Organization>,
    commit: CommitWithLeaf,
  ): Promise<{ changed: Organization; before: Organization }>;
  /** Throws `not_found` and `deleted` for its organization. */
  createApplication(
    application: Application,
    creation: Creation,
    commit: CommitWithLeaf,
  ): Promise<Application>;
  /** Throws `not_found`. */
  application(id: string): Promise<Application>;
  /** By id. As `organizations`. */
  applications(organization: string, page: PageRequest, withDeleted: boolean): Promise<ListPage<Application>>;
  /** As `amendOrganization`. */
  amendApplication(
    id: string,
    etag: string,
    amendment: Amendment<Application>,
    commit: CommitWithLeaf,
  ): Promise<{ changed: Application; before: Application }>;
  /**
   * A guard for a commit that depends on the organization or application: refused as a conflict if it changed
   * meanwhile, so that nothing is made for one that is being deleted. Throws `not_found` and `deleted`.
   */
  holding(kind: Kind, id: string): Promise<Change>;
  /** Whether the application may call: "disabled" where it or its organization is not active. */
  standing(holder: {
    readonly application: string;
    readonly organization: string;
  }): Promise<"may call" | "disabled" | "unverified">;
  /** Whether the organization is verified, or need not be. */
  isTrusted(organization: Organization): boolean;
  /** Whether `standing` says so. */
  mayCall(holder: { readonly application: string; readonly organization: string }): Promise<boolean>;
  /** Whether an application that may call has registered the origin (`https://app.example`) for its pages. */
  mayCallFrom(origin: string): Promise<boolean>;
}

/** `verifiedOnly`: applications of an organization that is not verified may not call. */
export function createOrganizationRepository(store: Store, verifiedOnly = false): OrganizationRepository {
  const isTrusted = ({ verification }: Organization) => !verifiedOnly || verification !== undefined;

  async function standing(holder: { readonly application: string; readonly organization: string }) {
    const [app, org] = await Promise.all([
      store.get<ApplicationDocument>(collections.applications, [INSTALLATION, holder.application]),
      store.get<OrganizationDocument>(collections.organizations, [INSTALLATION, holder.organization]),
    ]);
    if (app?.document.state !== "active" || org?.document.state !== "active") return "disabled";
    return isTrusted(org.document) ? "may call" : "unverified";
  }

  const mayCall = async (holder: Parameters<typeof standing>[0]) => (await standing(holder)) === "may call";

  async function holding(kind: Kind, id: string): Promise<Change> {
    const { document, revision } = await storedOf<OrganizationDocument>(store, kind, id);
    if (document.state === "deleted") throw deleted();
    return { kind: "replace", collection: collections[`${kind}s`], document, ifRevision: revision };
  }

  return {
    async createOrganization(organization, creation, commit) {
      const document = documentOf(organization, creation);
      const same = (existing: OrganizationDocument) => existing.digest === document.digest;
      return toParticipant(await insertOnce(store, collections.organizations, document, same, commit));
    },
    async findCreated(organization, creation) {
      const existing = await findCreated<OrganizationDocument>(store, collections.organizations, creation);
      if (existing === undefined) return undefined;
      if (existing.digest !== documentOf(organization, creation).digest) throw requestIdReused();
      return toParticipant<Organization>(existing);
    },
    insertion(organization, creation) {
      const document = documentOf(organization, creation);
      return { kind: "insert", collection: collections.organizations, document };
    },
    async organization(id) {
      return toParticipant<Organization>(
        (await storedOf<OrganizationDocument>(store, "organization", id)).document,
      );
    },
    organizations(page, withDeleted) {
      const scan = { equals: [INSTALLATION] };
      return openedPage(store, collections.organizations, scan, page, listed<Organization>(withDeleted));
    },
    amendOrganization: (id, etag, amendment, commit) =>
      amend(store, "organization", id, etag, amendment, commit),
    async createApplication(application, creation, commit) {
      const oauth = application.oauth === undefined ? [] : [JSON.stringify(application.oauth)];
      const digest = contentDigest(application.organization, application.displayName, ...oauth);
      const document: ApplicationDocument = { ...application, ...creation, partition: INSTALLATION, digest };
      const same = (existing: ApplicationDocument) => existing.digest === digest;
      const also = async () => [
        await holding("organization", application.organization),
        ...originChanges(undefined, application),
      ];
      return toParticipant(await insertOnce(store, collections.applications, document, same, commit, also));
    },
    async application(id) {
      return toParticipant<Application>(
        (await storedOf<ApplicationDocument>(store, "application", id)).document,
      );
    },
    applications(organization, page, withDeleted) {
      const scan = { index: "organization", equals: [INSTALLATION, organization] };
      return openedPage(store, collections.applications, scan, page, listed<Application>(withDeleted));
    },
    amendApplication: (id, etag, amendment, commit) =>
      amend(store, "application", id, etag, withOrigins(amendment), commit),
    holding,
    standing,
    isTrusted,
    mayCall,
    async mayCallFrom(origin) {
      for (const id of await applicationsOf(store, origin)) {
        const app = await store.get<ApplicationDocument>(collections.applications, [INSTALLATION, id]);
        const { organization = "" } = app?.document ?? {};
        if (await mayCall({ application: id, organization })) return true;
      }
      return false;
    },
  };
}

function documentOf(organization: Organization, creation: Creation): OrganizationDocument {
  const digest = contentDigest(organization.displayName);
  return { ...organization, ...creation, partition: INSTALLATION, digest };
}

/** With the changes of the origins that it registers. */
function withOrigins({ also = () => [], ...amendment }: Amendment<Application>): Amendment<Application> {
  return {
    ...amendment,
    also: (changed, before) => [...also(changed, before), ...originChanges(before, changed)],
  };
}

async function storedOf<D extends CreatedDocument>(store: Store, kind: Kind, id: string): Promise<Stored<D>> {
  const stored = await store.get<D>(collections[`${kind}s`], [INSTALLATION, id]);
  if (!stored) throw notFound(kind);
  return stored;
}

async function amend<T extends Organization, D extends CreatedDocument & T>(
  store: Store,
  kind: Kind,
  id: string,
  etag: string,
  { change, also = () => [], unless }: Amendment<T>,
  commit: CommitWithLeaf,
): Promise<{ changed: T; before: T }> {
  const collection = collections[`${kind}s`];
  for (;;) {
    const { document, revision } = await storedOf<D>(store, kind, id);
    const before = toParticipant<T>(document);
    const changed = change(before);
    // Before the etag: a repeated change whose first answer was lost gets the same answer again.
    if (changed === before) return { changed, before };
    if (etag !== "" && etag !== etagOf(before)) throw staleEtag(kind);
    await unless?.(before);
    const result = await commit({
      partition: INSTALLATION,
      changes: [
        { kind: "replace", collection, document: { ...document, ...changed }, ifRevision: revision },
        ...also(changed, before),
      ],
    });
    if (result.committed) return { changed, before };
  }
}

function listed<T extends Organization>(withDeleted: boolean) {
  return (document: CreatedDocument & T) => {
    const one = toParticipant<T>(document);
    return withDeleted || one.state !== "deleted" ? one : undefined;
  };
}

/** Without the fields that only the store needs. */
function toParticipant<T extends Organization>(document: CreatedDocument & T): T {
  const {
    partition: _,
    creator: __,
    requestId: ___,
    digest: ____,
    ...participant
  } = document as CreatedDocument & T & { digest?: string };
  return participant as unknown as T;
}
