import { cookieIn, pageCookies, type Surface } from "@wellapi/http";
import { documentFor, readSite, type Site, type SiteLanguage, siteLanguages } from "@wellapi/patient-web";
import { sendDocument } from "./page-document.ts";
import { forEver, pageSecurity, sendAsset } from "./page-file.ts";

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
      app.get("/me/*", async (request, reply) =>
        sendDocument<SiteLanguage>(request, reply, {
          languages: siteLanguages,
          documentIn: site && ((language) => documentFor(site, language, recordIn(request.headers.cookie))),
          what: "The patient's pages are",
          build: "web/patient/build.ts",
        }),
      );
    },
  };
}

function recordIn(cookie: string | undefined): string {
  return cookieIn(cookie, pageCookies.record) ?? "";
}
