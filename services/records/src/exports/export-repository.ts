import { createHash } from "node:crypto";
import { encodeId } from "@wellapi/runtime";
import { type Store, scanPages } from "@wellapi/store";
import type { Pairwise } from "@wellapi/vault";
import type { ExportDocument } from "../blocks/documents.ts";
import type { Export } from "./export.ts";

const collection = "exports";
const party = "exports";
const prefix = "exports/";
const EXPORTS_A_PAGE = 1_000;

export interface StoredExport {
  readonly export: Export;
  readonly revision: number;
}

/** The exports of organizations, each organization's in a partition of its own. All methods throw StoreError. */
export interface ExportRepository {
  /** The id of the export that a request of this id makes: the same for the same organization and request. */
  idOf(organization: string, requestId: string): string;
  load(organization: string, id: string): Promise<StoredExport | undefined>;
  /** False where there is one of this id. */
  insert(organization: string, one: Export): Promise<boolean>;
  /** False where it has changed since. */
  replace(organization: string, one: Export, revision: number): Promise<boolean>;
  /** All of the organization's. */
  list(organization: string): Promise<readonly Export[]>;
  remove(organization: string, ids: readonly string[]): Promise<void>;
}

/** `pairwise`: the store names no organization in clear. */
export function createExportRepository(store: Store, pairwise: Pairwise): ExportRepository {
  const partitionOf = (organization: string) => prefix + pairwise.outward(party, organization);

  const documentOf = (partition: string, one: Export): ExportDocument => {
    const { id, types, since, elements, typeFilters, purpose, deIdentified, created, expires, cancelled } =
      one;
    return {
      partition,
      export: id,
      types: [...types],
      ...(since !== undefined && { since_ms: since }),
      ...(elements.length > 0 && { elements: [...elements] }),
      ...(typeFilters.length > 0 && { type_filters: [...typeFilters] }),
      purpose,
      de_identified: deIdentified,
      created_ms: created,
      expires_ms: expires,
      cancelled,
    };
  };

  return {
    idOf(organization, requestId) {
      const place = JSON.stringify([partitionOf(organization), requestId]);
      return `exp_${encodeId(createHash("sha256").update(place).digest().subarray(0, 16))}`;
    },
    async load(organization, id) {
      const stored = await store.get<ExportDocument>(collection, [partitionOf(organization), id]);
      return stored && { export: exportOf(stored.document), revision: stored.revision };
    },
    async insert(organization, one) {
      const partition = partitionOf(organization);
      const document = documentOf(partition, one);
      const result = await store.commit({ partition, changes: [{ kind: "insert", collection, document }] });
      return result.committed;
    },
    async replace(organization, one, ifRevision) {
      const partition = partitionOf(organization);
      const document = documentOf(partition, one);
      const changes = [{ kind: "replace", collection, document, ifRevision }] as const;
      return (await store.commit({ partition, changes })).committed;
    },
    async list(organization) {
      const found: Export[] = [];
      const all = scanPages<ExportDocument>(store, collection, {
        equals: [partitionOf(organization)],
        limit: EXPORTS_A_PAGE,
      });
      for await (const { documents } of all)
        found.push(...documents.map(({ document }) => exportOf(document)));
      return found;
    },
    async remove(organization, ids) {
      if (ids.length === 0) return;
      const partition = partitionOf(organization);
      const changes = ids.map((id) => ({ kind: "delete", collection, key: [partition, id] }) as const);
      await store.commit({ partition, changes });
    },
  };
}

function exportOf(document: ExportDocument): Export {
  const { types, since_ms: since, purpose, created_ms: created, expires_ms: expires, cancelled } = document;
  const { export: id, elements = [], type_filters: typeFilters = [] } = document;
  const deIdentified = document.de_identified === true;
  return { id, types, since, elements, typeFilters, purpose, deIdentified, created, expires, cancelled };
}
