import type { HttpRequest } from "@wellapi/http";
import { cookieOf } from "./cookies.ts";
import { chosenLanguage, type Language, languageOf, wordsOf } from "./language.ts";
import { zoneOf } from "./times.ts";
import type { Words } from "./words/en.ts";

/** For whom a page is rendered, and where it stands. */
export interface View {
  readonly language: Language;
  readonly words: Words;
  /** The reader's time zone, an IANA name; UTC where their browser has not said it yet. */
  readonly zone: string;
  /** Path and query of the page without the choice of a language: by GET it shows the page, also after a form failed. */
  readonly path: string;
}

/** Of a route that takes a form: the page that the form is on. */
export type PageOf = string | ((request: HttpRequest) => string);

declare module "fastify" {
  interface FastifyContextConfig {
    page?: PageOf;
  }
}

/** `?lang=de`, for this answer; it is kept in a cookie. */
const choice = "lang";

export function viewOf(request: HttpRequest): View {
  const language = chosenLanguage(
    askedLanguage(request) ?? cookieOf(request, "language"),
    request.headers["accept-language"],
  );
  const zone = zoneOf(cookieOf(request, "zone"));
  return { language, words: wordsOf(language), zone, path: pagePath(request) };
}

/** The language that a link on our pages chose. */
export function askedLanguage(request: HttpRequest): Language | undefined {
  return languageOf(urlOf(request).searchParams.get(choice) ?? undefined);
}

/** The same page in another language. */
export function pathIn(path: string, language: Language): string {
  const url = new URL(path, base);
  url.searchParams.set(choice, language);
  return `${url.pathname}${url.search}`;
}

const base = "http://page";

function urlOf(request: HttpRequest): URL {
  return new URL(`${base}${request.url.startsWith("/") ? request.url : "/"}`);
}

function pagePath(request: HttpRequest): string {
  if (request.method !== "GET") {
    const { page = "/account" } = request.routeOptions.config;
    return typeof page === "string" ? page : page(request);
  }
  const url = urlOf(request);
  url.searchParams.delete(choice);
  return `${url.pathname}${url.search}`;
}
