import {
  cookieIn,
  type HttpReply,
  type HttpRequest,
  languageSeconds,
  pageCookies,
  pageLanguage,
  preferencesOf,
  type Surface,
} from "@wellapi/http";
import { documentFor, type PageFile, readSite, type Site, siteLanguages } from "@wellapi/patient-web";
import { sessionIn } from "@wellapi/rpc";

/**
 * Our own files, and calls of our own origin. Nothing makes HTML or scripts of text: the one policy is that by which the pages name
 * their service worker, and it gives this one address whatever it is asked.
 */
const pageSecurity = {
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    workerSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
    requireTrustedTypesFor: ["'script'"],
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
    securityHeaders: pageSecurity,
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

const forEver = "public, max-age=31536000, immutable";

function sendAsset(
  request: HttpRequest,
  reply: HttpReply,
  file: PageFile | undefined,
  cacheControl: string,
): HttpReply {
  if (file === undefined) {
    const problem = { code: "not_found", reason: "NOT_FOUND", message: "no such file: load the page again" };
    return reply.code(404).header("cache-control", "no-store").send(problem);
  }
  const accepted = preferencesOf(String(request.headers["accept-encoding"] ?? ""));
  const encoding = (["br", "gzip"] as const).find((one) => accepted.includes(one));
  if (encoding !== undefined) reply.header("content-encoding", encoding);
  return reply
    .type(file.contentType)
    .header("vary", "accept-encoding")
    .header("cache-control", cacheControl)
    .send(file[encoding ?? "plain"]);
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
    return reply
      .code(503)
      .type("text/plain; charset=utf-8")
      .send(
        "The patient's pages are not built on this server: its operator runs `node web/patient/build.ts`.\n",
      );
  }
  const choice = chosen ?? cookieIn(cookie, pageCookies.language);
  const document = documentFor(
    site,
    pageLanguage(siteLanguages, choice, accepted),
    cookieIn(cookie, pageCookies.record) ?? "",
  );
  return reply.type("text/html; charset=utf-8").send(document);
}
