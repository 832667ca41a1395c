import type { FhirResource } from "@wellapi/fhir-r4";
import type { Span } from "../../search/fits.ts";

/** What a search found, and when it was. */
export interface Found extends Span {
  readonly resource: FhirResource;
  /** Its JSON and `Observation/<id>`, where they are known without the resource, which is then read when it is looked at. */
  readonly text?: string | undefined;
  readonly address?: string;
  /** The record's id of the contracts, where it is a clinical record. */
  readonly record?: string;
}

/** What a source found, in the order of the search. */
export interface Fetched {
  readonly found: readonly Found[];
  /** Whether something may follow. */
  readonly more: boolean;
  /** Where the next page begins if so many of `found` were told; undefined: nothing is left. */
  after(told: number): Promise<string | undefined>;
}

/** Where Observations come from. */
export interface Source {
  /** Up to about `need` from a position on; fewer, though more may follow, where much was looked at. */
  fetch(position: string, need: number): Promise<Fetched>;
}

export const nothing: Fetched = { found: [], more: false, after: async () => undefined };

/** A page as *records* lists it: an item that is not searched for is undefined. */
export interface ListedPage {
  readonly items: readonly (Found | undefined)[];
  readonly next: string;
}

/** Pages that are looked at for one page of ours, where a filter leaves little. */
const mostPages = 4;

/** A list of *records* with page tokens. To end within a page, it is asked for again with as many items as were told. */
export function listSource(list: (token: string, size: number) => Promise<ListedPage>): Source {
  return {
    async fetch(position, need) {
      const places: { readonly found: Found; readonly token: string; readonly items: number }[] = [];
      let token = position;
      for (let page = 1; ; page++) {
        const { items, next } = await list(token, need);
        for (const [at, found] of items.entries())
          if (found !== undefined) places.push({ found, token, items: at + 1 });
        token = next;
        if (next === "" || places.length >= need || page === mostPages) break;
      }
      return {
        found: places.map(({ found }) => found),
        more: token !== "",
        async after(told) {
          if (told === places.length) return token === "" ? undefined : token;
          if (told === 0) return position;
          const last = places[told - 1]!;
          const { next } = await list(last.token, last.items);
          return next === "" ? undefined : next;
        },
      };
    },
  };
}

/** What is there already, in the order of the search. */
export function readySource(all: readonly Found[]): Source {
  return {
    async fetch(position) {
      const first = position === "" ? 0 : Number(position);
      const found = all.slice(first);
      return {
        found,
        more: false,
        after: async (told) => (told === found.length ? undefined : String(first + told)),
      };
    },
  };
}

/** In the order of a search: by when it begins, then by id. */
export function compareFound(a: Found, b: Found, descending: boolean): number {
  const time = descending ? b.ms - a.ms : a.ms - b.ms;
  return time || (idOf(a) < idOf(b) ? -1 : idOf(a) > idOf(b) ? 1 : 0);
}

export function idOf({ resource }: Found): string {
  return String(resource.id);
}
