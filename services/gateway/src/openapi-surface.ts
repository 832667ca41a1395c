import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type HttpReply, type HttpRequest, preferencesOf, type Surface } from "@wellapi/http";
import { isKnown } from "./etag.ts";

const path = "/openapi.yaml";

interface Representation {
  readonly bytes: Buffer;
  /** Strong (RFC 9110, 8.8.3). */
  readonly etag: string;
}

/**
 * The OpenAPI 3.1 document of the public contracts, for anybody and for every page: it holds nothing but the contracts. It is read
 * once, when the surface is mounted.
 */
export function createOpenApiSurface(): Surface {
  return {
    name: "openapi",
    paths: [path],
    methods: ["GET"],
    cors: "anyone",
    cacheControl: "public, max-age=300",
    mount(app) {
      const bytes = readFileSync(fileURLToPath(import.meta.resolve("@wellapi/gen/openapi/openapi.yaml")));
      const hash = createHash("sha256").update(bytes).digest("base64url").slice(0, 22);
      const plain = { bytes, etag: `"${hash}"` };
      const packed = { bytes: gzipSync(bytes), etag: `"${hash}.gz"` };
      app.get(path, async (request, reply) => {
        const zipped = preferencesOf(request.headers["accept-encoding"] ?? "").includes("gzip");
        if (zipped) reply.header("content-encoding", "gzip");
        return answer(zipped ? packed : plain, request, reply);
      });
    },
  };
}

function answer({ bytes, etag }: Representation, { headers }: HttpRequest, reply: HttpReply) {
  reply.header("etag", etag).header("vary", "accept-encoding");
  if (isKnown(headers["if-none-match"], etag)) {
    return reply.removeHeader("content-encoding").code(304).send();
  }
  return reply.header("content-type", "application/yaml").send(bytes);
}
