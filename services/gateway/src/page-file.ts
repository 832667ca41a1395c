/** Files of pages that were built before: what the surfaces of pages have in common. */
import { type HttpReply, type HttpRequest, preferencesOf } from "@wellapi/http";
import type { PageFile } from "@wellapi/ui/built-files";
import { isKnown } from "./etag.ts";

/** Our own files, and calls of our own origin. Nothing makes HTML or scripts of text. */
export const pageSecurity = {
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
    requireTrustedTypesFor: ["'script'"],
    trustedTypes: ["'none'"],
  },
} as const;

/** Of a file whose name holds a digest of its content. */
export const forEver = "public, max-age=31536000, immutable";

/** A file that pages load. */
export function sendAsset(
  request: HttpRequest,
  reply: HttpReply,
  file: PageFile | undefined,
  cacheControl: string,
): HttpReply {
  if (file === undefined) {
    const problem = { code: "not_found", reason: "NOT_FOUND", message: "no such file: load the page again" };
    return reply.code(404).header("cache-control", "no-store").send(problem);
  }
  return sendFile(request, reply.header("cache-control", cacheControl), file);
}

/** A page that is the same for everybody: kept, and asked for again by its etag. `digest`: of its content. */
export function sendPage(request: HttpRequest, reply: HttpReply, file: PageFile, digest: string): HttpReply {
  const encoding = encodingFor(request);
  const etag = `"${digest}${encoding === undefined ? "" : `.${encoding}`}"`;
  reply.header("etag", etag).header("vary", "accept-encoding").header("cache-control", "public, no-cache");
  if (isKnown(request.headers["if-none-match"], etag)) return reply.code(304).send();
  return sendFile(request, reply, file);
}

/** A page of its site for a path that nothing has. What is not there has no etag, and is kept nowhere. */
export function sendMissing(request: HttpRequest, reply: HttpReply, file: PageFile): HttpReply {
  return sendFile(request, reply.code(404).header("cache-control", "no-store"), file);
}

/** What the site answers where nobody has built it. `build`: the program that does. */
export function sendUnbuilt(reply: HttpReply, what: string, build: string): HttpReply {
  return reply
    .code(503)
    .header("cache-control", "no-store")
    .type("text/plain; charset=utf-8")
    .send(`${what} not built on this server: its operator runs \`node ${build}\`.\n`);
}

function sendFile(request: HttpRequest, reply: HttpReply, file: PageFile): HttpReply {
  const encoding = encodingFor(request);
  if (encoding !== undefined) reply.header("content-encoding", encoding);
  return reply
    .type(file.contentType)
    .header("vary", "accept-encoding")
    .send(file[encoding ?? "plain"]);
}

function encodingFor(request: HttpRequest): "br" | "gzip" | undefined {
  const accepted = preferencesOf(String(request.headers["accept-encoding"] ?? ""));
  return (["br", "gzip"] as const).find((one) => accepted.includes(one));
}
