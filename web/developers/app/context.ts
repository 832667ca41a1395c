import type { Formats } from "@wellapi/ui/browser/formats";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Connection } from "./api/connection.ts";
import type { Membership } from "./api/membership.ts";
import type { Words } from "./words/en.ts";

/** What every page needs: for which organization it shows something, and how it speaks. */
export interface Place {
  readonly membership: Membership;
  readonly connection: Connection;
  /** How many more organizations the reader may create. */
  readonly organizationsLeft: number;
  readonly sandbox: boolean;
  readonly words: Words;
  /** Times of the reader's own zone. */
  readonly formats: Formats;
}

/** What also pages need that are shown before an organization is open. */
export const WordsContext = createContext<Words | undefined>(undefined);

export function useWords(): Words {
  const words = useContext(WordsContext);
  if (words === undefined) throw new TypeError("a page is shown before its words are there");
  return words;
}

export const PlaceContext = createContext<Place | undefined>(undefined);

export function usePlace(): Place {
  const place = useContext(PlaceContext);
  if (place === undefined) throw new TypeError("a page is shown before an organization is open");
  return place;
}
