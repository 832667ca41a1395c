import type { Surface } from "@wellapi/http";
import { type Asset, mark, pagesScript, stylesheet } from "@wellapi/ui";

const assets: ReadonlyMap<string, Asset> = new Map(
  [stylesheet, mark, pagesScript].map((asset) => [asset.name, asset]),
);

/** What pages load: style, script, mark. Each name holds a digest of its content, so it may be kept for ever. */
export const assetsSurface: Surface = {
  name: "assets",
  paths: ["/assets/"],
  methods: ["GET"],
  cors: "none",
  mount(app) {
    app.get<{ Params: { name: string } }>("/assets/:name", async (request, reply) => {
      const asset = assets.get(request.params.name);
      if (asset === undefined) {
        return reply
          .code(404)
          .header("cache-control", "no-store")
          .send({ code: "not_found", reason: "NOT_FOUND", message: "no such file: load the page again" });
      }
      return reply
        .header("content-type", asset.contentType)
        .header("cache-control", "public, max-age=31536000, immutable")
        .send(asset.bytes);
    });
  },
};
