import type { Page, Store } from "@wellapi/store";
import { collections, INSTALLATION } from "./collections.ts";
import type { CommitWithLeaf, CreatedDocument, Creation } from "./creation.ts";
import { contentDigest, insertOnce } from "./creation.ts";
import { notFound } from "./errors.ts";
import type { Application, Organization } from "./organization.ts";
import type { ListPage, PageRequest } from "./page.ts";

type OrganizationDocument = CreatedDocument & Organization & { readonly digest: string };
type ApplicationDocument = CreatedDocument & Application & { readonly digest: string };

/** Organizations and applications. Creations are made once per creator and request_id. */
export interface OrganizationRepository {
  createOrganization(
    organization: Organization,
    creation: Creation,
    commit: CommitWithLeaf,
  ): Promise<Organization>;
  /** Throws `not_found`. */
  organization(id: string): Promise<Organization>;
  /** By id. */
  organizations(page: PageRequest): Promise<ListPage<Organization>>;
  createApplication(
    application: Application,
    creation: Creation,
    commit: CommitWithLeaf,
  ): Promise<Application>;
  /** Throws `not_found`. */
  application(id: string): Promise<Application>;
  /** By id. */
  applications(organization: string, page: PageRequest): Promise<ListPage<Application>>;
}

export function createOrganizationRepository(store: Store): OrganizationRepository {
  return {
    async createOrganization(organization, creation, commit) {
      const digest = contentDigest(organization.displayName);
      const document: OrganizationDocument = {
        ...organization,
        ...creation,
        partition: INSTALLATION,
        digest,
      };
      const same = (existing: OrganizationDocument) => existing.digest === digest;
      return toOrganization(await insertOnce(store, collections.organizations, document, same, commit));
    },
    async organization(id) {
      const stored = await store.get<OrganizationDocument>(collections.organizations, [INSTALLATION, id]);
      if (!stored) throw notFound("organization");
      return toOrganization(stored.document);
    },
    async organizations({ size, cursor }) {
      const scan = { equals: [INSTALLATION], limit: size, ...(cursor === undefined ? {} : { cursor }) };
      return listPage(
        await store.scan<OrganizationDocument>(collections.organizations, scan),
        toOrganization,
      );
    },
    async createApplication(application, creation, commit) {
      const digest = contentDigest(application.organization, application.displayName);
      const document: ApplicationDocument = { ...application, ...creation, partition: INSTALLATION, digest };
      const same = (existing: ApplicationDocument) => existing.digest === digest;
      return toApplication(await insertOnce(store, collections.applications, document, same, commit));
    },
    async application(id) {
      const stored = await store.get<ApplicationDocument>(collections.applications, [INSTALLATION, id]);
      if (!stored) throw notFound("application");
      return toApplication(stored.document);
    },
    async applications(organization, { size, cursor }) {
      const scan = {
        index: "organization",
        equals: [INSTALLATION, organization],
        limit: size,
        ...(cursor === undefined ? {} : { cursor }),
      };
      return listPage(await store.scan<ApplicationDocument>(collections.applications, scan), toApplication);
    },
  };
}

function listPage<D extends CreatedDocument, T>(page: Page<D>, convert: (document: D) => T): ListPage<T> {
  const items = page.documents.map(({ document }) => convert(document));
  return page.cursor === undefined ? { items } : { items, cursor: page.cursor };
}

function toOrganization({ id, displayName, createTime }: OrganizationDocument): Organization {
  return { id, displayName, createTime };
}

function toApplication({ id, organization, displayName, createTime }: ApplicationDocument): Application {
  return { id, organization, displayName, createTime };
}
