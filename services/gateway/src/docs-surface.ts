import { type Docs, readDocs } from "@wellapi/docs-web";
import type { HttpReply, HttpRequest, Surface } from "@wellapi/http";
import { forEver, pageSecurity, sendAsset, sendMissing, sendPage, sendUnbuilt } from "./page-file.ts";

/** The documentation: files, the same for everybody, for which nobody needs a credential. They are read once, when it is mounted. */
export function createDocsSurface(read: () => Docs | undefined = readDocs): Surface {
  return {
    name: "docs",
    paths: ["/docs", "/docs/"],
    methods: ["GET"],
    securityHeaders: pageSecurity,
    cors: "none",
    mount(app, { log }) {
      const docs = read();
      if (docs === undefined) log.warn({}, "the documentation is not built");
      app.get("/docs", async (_request, reply) => reply.code(303).header("location", "/docs/").send());
      app.get<{ Params: { name: string } }>("/docs/assets/:name", async (request, reply) =>
        sendAsset(request, reply, docs?.assets.get(request.params.name), forEver),
      );
      app.get<{ Params: { "*": string } }>("/docs/*", async (request, reply) =>
        sendDocument(request, reply, request.params["*"], docs),
      );
    },
  };
}

/** `path`: below `/docs/`. */
function sendDocument(
  request: HttpRequest,
  reply: HttpReply,
  path: string,
  docs: Docs | undefined,
): HttpReply {
  if (docs === undefined) return sendUnbuilt(reply, "The documentation is", "web/docs/build.ts");
  const page = docs.pages.get(path);
  if (page !== undefined) return sendPage(request, reply, page.file, page.digest);
  return sendMissing(request, reply, docs.missing.file);
}
