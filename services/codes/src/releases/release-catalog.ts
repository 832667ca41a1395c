import type { Store } from "@wellapi/store";
import type { Catalog, CodePage, KnownCode, PageQuery } from "../catalog/catalog.ts";
import { collections, INSTALLATION } from "../collections.ts";
import { CodesError } from "../errors.ts";
import { type ConceptDocument, type Release, searchName } from "./release.ts";
import type { ReleaseRepository } from "./release-repository.ts";

/** So far into a release a page reaches: the store walks to it. */
const furthest = 10_000;
/** Behind every text that begins with a filter. */
const last = "\u{10ffff}";

/** What operators have loaded. */
export function createReleaseCatalog(store: Store, releases: Pick<ReleaseRepository, "active">): Catalog {
  const chosen = async (kind: Release["kind"], url: string, version: string) => {
    const active = await releases.active(kind, url);
    return version === "" ? active[0] : active.find((one) => one.version === version);
  };
  return {
    async codeSystem(url, version) {
      const release = await chosen("code_system", url, version);
      if (release === undefined) return undefined;
      return { ...headOf(release), complete: true, find: (code) => found(store, release, url, code) };
    },
    async valueSet(url, version) {
      const system = systemOfAll(url);
      const release =
        system === undefined
          ? await chosen("value_set", url, version)
          : await chosen("code_system", system, version);
      if (release === undefined) return undefined;
      return {
        ...headOf(release),
        url,
        unclosed: false,
        async find(named, code) {
          const own = named === "" && release.kind === "code_system" ? release.url : named;
          return own === "" ? anywhere(store, release, code) : found(store, release, own, code);
        },
        page: (query) =>
          query.filter === "" ? wholePage(store, release, query) : filteredPage(store, release, query),
      };
    },
  };
}

/** The code system of which a value set holds all codes: `http://loinc.org/vs`, `<system>?fhir_vs` (FHIR R4, 4.3.10). */
function systemOfAll(url: string): string | undefined {
  if (url === "http://loinc.org/vs") return "http://loinc.org";
  return url.endsWith("?fhir_vs") ? url.slice(0, -"?fhir_vs".length) : undefined;
}

function headOf({ url, title, version }: Release) {
  return { url, title, version };
}

async function found(
  store: Store,
  { id }: Release,
  system: string,
  code: string,
): Promise<KnownCode | undefined> {
  const stored = await store.get<ConceptDocument>(collections.concepts, [INSTALLATION, id, system, code]);
  return stored === undefined ? undefined : knownOf(stored.document);
}

/** A value set's code of whatever system: in each of its systems in turn. */
async function anywhere(
  store: Store,
  release: Release,
  code: string,
): Promise<KnownCode | "several" | undefined> {
  const codes: KnownCode[] = [];
  let after = "";
  for (;;) {
    const range = after === "" ? {} : { range: { after } };
    const page = await store.scan<ConceptDocument>(collections.concepts, {
      equals: [INSTALLATION, release.id],
      ...range,
      limit: 1,
    });
    const [first] = page.documents;
    if (first === undefined) break;
    after = first.document.system;
    const here = await found(store, release, after, code);
    if (here !== undefined) codes.push(here);
  }
  return codes.length > 1 ? "several" : codes[0];
}

async function wholePage(store: Store, release: Release, { offset, limit }: PageQuery): Promise<CodePage> {
  if (offset + limit > furthest) {
    if (offset >= release.codes) return { codes: [], total: release.codes };
    throw new CodesError("expansion_too_costly");
  }
  const page = await store.scan<ConceptDocument>(collections.concepts, {
    equals: [INSTALLATION, release.id],
    limit: offset + limit,
  });
  const codes = page.documents.slice(offset).map(({ document }) => knownOf(document));
  return { codes, total: release.codes };
}

/** Those whose display begins with the filter, and of a code system those whose code does. */
async function filteredPage(store: Store, release: Release, query: PageQuery): Promise<CodePage> {
  const { filter, offset, limit } = query;
  if (offset + limit > furthest) throw new CodesError("expansion_too_costly");
  const most = offset + limit;
  const name = searchName(filter);
  const byName = await store.scan<ConceptDocument>(collections.concepts, {
    index: "name",
    equals: [INSTALLATION, release.id],
    range: { from: name, to: `${name}${last}` },
    limit: most,
  });
  const byCode =
    release.kind === "value_set"
      ? { documents: [] }
      : await store.scan<ConceptDocument>(collections.concepts, {
          equals: [INSTALLATION, release.id, release.url],
          range: { from: filter, to: `${filter}${last}` },
          limit: most,
        });
  const all = new Map(
    [...byCode.documents, ...byName.documents].map(({ document }) => [
      JSON.stringify([document.system, document.code]),
      knownOf(document),
    ]),
  );
  const whole = byCode.documents.length < most && byName.documents.length < most;
  return { codes: [...all.values()].slice(offset, most), total: whole ? all.size : undefined };
}

function knownOf({ system, code, display, inactive }: ConceptDocument): KnownCode {
  return { system, code, display, inactive };
}
