import type { ServiceImpl } from "@connectrpc/connect";
import type { TerminologyService } from "@wellapi/gen/wellapi/terminology/v1/terminology_service_pb";
import type { CodeDefinition, Terminology } from "@wellapi/terminology";
import { invalidField } from "./errors.ts";
import { codeMessage, setMessage } from "./terminology-convert.ts";

const USUAL_PAGE = 50;
const MOST_A_PAGE = 200;

/** The same for everybody: its pages need no secret, and no caller. */
export function createTerminologyHandlers(terminology: Terminology): ServiceImpl<typeof TerminologyService> {
  const isIn = (category: string, { code }: CodeDefinition) =>
    category === "" || terminology.categoriesOf(code).includes(category);

  return {
    async listCodes({ category, text, pageSize, pageToken }) {
      const wanted = terminology.codes.filter(
        (one) => isIn(category, one) && matches(one, text.toLowerCase()),
      );
      const { items, nextPageToken } = page(
        wanted,
        JSON.stringify(["codes", category, text]),
        pageSize,
        pageToken,
      );
      return { codes: items.map((one) => codeMessage(terminology, one)), nextPageToken };
    },
    async listCategories({ pageSize, pageToken }) {
      const { items, nextPageToken } = page(terminology.sets, "sets", pageSize, pageToken);
      return { sets: items.map((one) => setMessage(terminology, one)), nextPageToken };
    },
  };
}

function matches({ code, display }: CodeDefinition, text: string): boolean {
  if (code.toLowerCase().startsWith(text)) return true;
  return display
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .some((word) => word.startsWith(text));
}

/** The token is the query with the place at which the page begins. */
function page<T>(all: readonly T[], query: string, size: number, token: string) {
  const limit = Math.min(size === 0 ? USUAL_PAGE : size, MOST_A_PAGE);
  const from = token === "" ? 0 : placeOf(query, token);
  const next = from + limit;
  return {
    items: all.slice(from, next),
    nextPageToken: next < all.length ? Buffer.from(JSON.stringify([query, next])).toString("base64url") : "",
  };
}

function placeOf(query: string, token: string): number {
  const text = Buffer.from(token, "base64url").toString();
  const prefix = `[${JSON.stringify(query)},`;
  const place = text.startsWith(prefix) ? /^([1-9][0-9]{0,8})\]$/.exec(text.slice(prefix.length)) : null;
  if (place === null) {
    throw invalidField(
      "page_token",
      "INVALID_PAGE_TOKEN",
      "is not a token of this same query: leave it out to start anew",
    );
  }
  return Number(place[1]);
}
