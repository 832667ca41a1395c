import type { Formats } from "@wellapi/ui/browser/formats";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { OpenRecord } from "./api/reader.ts";
import type { Words } from "./words/en.ts";

/** What every page needs: whose record it shows, and how it speaks. */
export interface Place {
  readonly record: OpenRecord;
  readonly words: Words;
  readonly formats: Formats;
}

export const PlaceContext = createContext<Place | undefined>(undefined);

export function usePlace(): Place {
  const place = useContext(PlaceContext);
  if (place === undefined) throw new TypeError("a page is shown before a record is open");
  return place;
}
