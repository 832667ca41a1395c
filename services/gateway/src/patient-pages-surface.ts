import {
  cookieIn,
  type HttpReply,
  type HttpRequest,
  languageSeconds,
  pageCookies,
  pageLanguage,
  type Surface,
} from "@wellapi/http";
import { documentFor, readSite, type Site, siteLanguages } from "@wellapi/patient-web";
import { sessionIn } from "@wellapi/rpc";
import { forEver, pageSecurity, sendAsset, sendUnbuilt } from "./page-file.ts";

/**
 * As other pages have it, but for the one policy by which these name their service worker, and which gives this one address whatever it
 * is asked.
 */
const security = {
  contentSecurityPolicy: {
    ...pageSecurity.contentSecurityPolicy,
    workerSrc: ["'self'"],
    trustedTypes: ["service-worker"],
  },
} as const;

/**
 * The patient's pages: files, of which none holds anything about anybody. What they show comes by the RPCs, by the session of
 * who reads them. They are read once, when the surface is mounted.
 */
export function createPatientPagesSurface(read: () => Site | undefined = readSite): Surface {
  return {
    name: "patient-pages",
    paths: ["/me", "/me/"],
    methods: ["GET"],
    securityHeaders: security,
    cors: "none",
    mount(app, { log }) {
      const site = read();
      if (site === undefined) log.warn({}, "the patient's pages are not built");
      app.get("/me", async (_request, reply) => reply.code(303).header("location", "/me/").send());
      app.get<{ Params: { name: string } }>("/me/assets/:name", async (request, reply) =>
        sendAsset(request, reply, site?.assets.get(request.params.name), forEver),
      );
      // Its address stays, so that an upgrade reaches browsers that have it; its folder is what it works for.
      app.get("/me/service-worker.js", async (request, reply) =>
        sendAsset(request, reply, site?.assets.get(site.serviceWorker), "no-cache"),
      );
      app.get("/me/*", async (request, reply) => sendDocument(request, reply, site));
    },
  };
}

/** Who is not signed in is sent to where they can, and comes back. */
function sendDocument(request: HttpRequest, reply: HttpReply, site: Site | undefined): HttpReply {
  const url = new URL(request.url, "http://page");
  const chosen = siteLanguages.find((one) => one === url.searchParams.get("lang"));
  if (chosen !== undefined) {
    const attributes = `Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=${languageSeconds}`;
    reply.header("set-cookie", `${pageCookies.language}=${chosen}; ${attributes}`);
  }
  const { cookie, "accept-language": accepted } = request.headers;
  if (sessionIn(cookie) === undefined) {
    const location = `/sign-in?continue=${encodeURIComponent(url.pathname)}`;
    return reply.code(303).header("location", location).send();
  }
  if (site === undefined) {
    return sendUnbuilt(reply, "The patient's pages are", "web/patient/build.ts");
  }
  const choice = chosen ?? cookieIn(cookie, pageCookies.language);
  const document = documentFor(
    site,
    pageLanguage(siteLanguages, choice, accepted),
    cookieIn(cookie, pageCookies.record) ?? "",
  );
  return reply.type("text/html; charset=utf-8").send(document);
}
