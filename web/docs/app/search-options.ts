import type { Options } from "minisearch";

/** One section of a page. */
export interface Section {
  readonly id: number;
  readonly page: string;
  readonly heading: string;
  readonly href: string;
  readonly text: string;
}

const wordsOf = (text: string): string[] => text.split(/[^\p{L}\p{N}_]+/u).filter((word) => word !== "");

/** The same where the index is made and where it is read. */
export const searchOptions: Options<Section> = {
  fields: ["heading", "page", "text"],
  storeFields: ["page", "heading", "href"],
  // An identifier is found whole and by its parts: RATE_LIMITED, ListConsents.
  tokenize: (text) => [
    ...new Set(wordsOf(text).flatMap((word) => [word, ...word.split(/_|(?<=\p{Ll})(?=\p{Lu})/u)])),
  ],
  searchOptions: {
    // What was typed is not taken apart: who types RATE_LIM means that.
    tokenize: wordsOf,
    boost: { heading: 4, page: 2 },
    // What says how things are comes before the messages that are made of it.
    boostDocument: (_id, _term, stored) =>
      String(stored?.href).startsWith("/docs/reference/types/") ? 0.4 : 1,
    prefix: true,
    combineWith: "AND",
  },
};
