import type { Surface } from "@wellapi/http";
import { type AppLanguage, type AppSite, appLanguages, readAppSite } from "@wellapi/ui/app-site";
import { sendDocument } from "./page-document.ts";
import { forEver, pageSecurity, sendAsset } from "./page-file.ts";

/**
 * The developers' pages: files, of which none holds anything about anybody. What they show comes by the RPCs, by the session of
 * who reads them. They are read once, when the surface is mounted.
 */
export function createDeveloperPagesSurface(
  read = (): AppSite | undefined => readAppSite("developers"),
): Surface {
  return {
    name: "developer-pages",
    paths: ["/developers", "/developers/"],
    methods: ["GET"],
    securityHeaders: pageSecurity,
    cors: "none",
    mount(app, { log }) {
      const site = read();
      if (site === undefined) log.warn({}, "the developers' pages are not built");
      app.get("/developers", async (_request, reply) =>
        reply.code(303).header("location", "/developers/").send(),
      );
      app.get<{ Params: { name: string } }>("/developers/assets/:name", async (request, reply) =>
        sendAsset(request, reply, site?.assets.get(request.params.name), forEver),
      );
      app.get("/developers/*", async (request, reply) =>
        sendDocument<AppLanguage>(request, reply, {
          languages: appLanguages,
          documentIn: site && ((language) => site.documents.get(language)!),
          what: "The developers' pages are",
          build: "web/developers/build.ts",
        }),
      );
    },
  };
}
