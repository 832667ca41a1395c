/** The one document of a site for people who are signed in, in their language. */
import {
  cookieIn,
  type HttpReply,
  type HttpRequest,
  languageSeconds,
  pageCookies,
  pageLanguage,
} from "@wellapi/http";
import { sessionIn } from "@wellapi/rpc";
import { sendUnbuilt } from "./page-file.ts";

/** Who is not signed in is sent to where they can, and comes back. */
export function sendDocument<Language extends string>(
  request: HttpRequest,
  reply: HttpReply,
  site: {
    readonly languages: readonly [Language, ...Language[]];
    /** Undefined: nobody has built the site. */
    readonly documentIn: ((language: Language) => string) | undefined;
    /** What is not built, and the program that builds it. */
    readonly what: string;
    readonly build: string;
  },
): HttpReply {
  const url = new URL(request.url, "http://page");
  const chosen = site.languages.find((one) => one === url.searchParams.get("lang"));
  if (chosen !== undefined) {
    const attributes = `Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=${languageSeconds}`;
    reply.header("set-cookie", `${pageCookies.language}=${chosen}; ${attributes}`);
  }
  const { cookie, "accept-language": accepted } = request.headers;
  if (sessionIn(cookie) === undefined) {
    const location = `/sign-in?continue=${encodeURIComponent(url.pathname)}`;
    return reply.code(303).header("location", location).send();
  }
  if (site.documentIn === undefined) return sendUnbuilt(reply, site.what, site.build);
  const choice = chosen ?? cookieIn(cookie, pageCookies.language);
  const document = site.documentIn(pageLanguage(site.languages, choice, accepted));
  return reply.type("text/html; charset=utf-8").send(document);
}
