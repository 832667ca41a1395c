import { createClient } from "@connectrpc/connect";
import { OAuthProtocolService } from "@wellapi/gen/wellapi/internal/identity/v1/oauth_protocol_service_pb";
import {
  type HttpReply,
  type HttpRequest,
  type Refusal,
  requestIdHeader,
  type ShapedRefusal,
  type Surface,
  type SurfaceContext,
} from "@wellapi/http";

import { refusedRequestPage } from "../pages/applications/refused-request.ts";
import { htmlType } from "../pages/page.ts";
import { shapeForReaders } from "../pages/problems.ts";
import { pageSecurity } from "../pages/routes.ts";
import { viewOf } from "../pages/view.ts";
import { paths } from "./surface-endpoints.ts";

const callMs = 10_000;
const bodyBytes = 16_384;
const { handle } = OAuthProtocolService.method;

/** The headers that the protocol knows. */
const forwarded = ["accept", "authorization", "content-type", "cookie", "dpop", "origin"] as const;

const posts = [
  paths.token,
  paths.pushed,
  paths.introspection,
  paths.revocation,
  paths.device,
  paths.logout,
] as const;
const gets = [paths.authorization, `${paths.authorization}/:uid`, paths.logout] as const;
const metadata = [paths.openid, paths.oauth, paths.smart, paths.fhirSmart] as const;

/** OAuth 2 and OpenID Connect over HTTP. The protocol itself is behind the RPC that each request is handed to. */
export const oauthSurface: Surface = {
  name: "oauth",
  paths: ["/oauth2/", ...metadata],
  methods: ["GET", "POST"],
  requestHeaders: ["cookie", "dpop"],
  // Where a request of an application ends in a person's browser, the answer is a page.
  securityHeaders: pageSecurity,
  shape: (refusal, request) =>
    isForPerson(request) ? shapeForReaders(refusal, request) : shapeForProgram(refusal),
  cors: {
    methods: ["GET", "POST"],
    allowedHeaders: ["content-type", "dpop", requestIdHeader],
    exposedHeaders: ["dpop-nonce", "retry-after", "www-authenticate", requestIdHeader],
    // The library knows the client, and its registered origins.
    byClient: ["POST"],
  },
  bodies: {
    limit: bodyBytes,
    parsers: { "application/x-www-form-urlencoded": (bytes) => bytes },
    credential: "body",
  },
  mount(app, context) {
    for (const path of [...gets, ...metadata]) {
      app.get(path, (request, reply) => answer(context, request, reply, new Uint8Array()));
    }
    for (const path of posts) {
      app.post(path, { config: { rpc: handle } }, (request, reply) =>
        answer(context, request, reply, (request.body as Uint8Array | undefined) ?? new Uint8Array()),
      );
    }
  },
};

const pathOf = (target: string): string => target.split("?", 1)[0]!;

/** Whether a person's browser is sent here by an application, and shows what it gets. */
function isForPerson({ raw: { method, url = "" } }: HttpRequest): boolean {
  const path = pathOf(url);
  return method === "GET" && (path.startsWith(paths.authorization) || path === paths.logout);
}

function shapeForProgram({ problem }: Refusal): ShapedRefusal {
  return { contentType: "application/json; charset=utf-8", body: JSON.stringify(problem) };
}

/** The library's own words are for programmers: the reader gets a page, and is sent nowhere. */
function sendRefused(
  request: HttpRequest,
  reply: HttpReply,
  { status, body }: { readonly status: number; readonly body: Uint8Array },
): HttpReply {
  const said = JSON.parse(Buffer.from(body).toString("utf8")) as Readonly<Record<string, unknown>>;
  const text = (name: string) => (typeof said[name] === "string" ? said[name] : "");
  const refused = { error: text("error"), description: text("error_description") };
  const logout = pathOf(request.raw.url ?? "") === paths.logout;
  return reply
    .code(status)
    .header("content-type", htmlType)
    .send(refusedRequestPage(viewOf(request), { status, ...refused, logout }));
}

async function answer(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  body: Uint8Array,
): Promise<HttpReply> {
  const protocol = createClient(OAuthProtocolService, context.asAnyone(request));
  const headers = forwarded.flatMap((name) => {
    const value = request.headers[name];
    return typeof value === "string" ? [{ name, value }] : [];
  });
  const { method, url: target } = request.raw;
  const said = await protocol.handle(
    { method: method!, target: target!, headers, body, clientCertificate: request.clientCertificate },
    { timeoutMs: callMs },
  );
  for (const { name, value } of said.headers) {
    if (name === "set-cookie") reply.header(name, [reply.getHeader(name) ?? [], value].flat() as string[]);
    else reply.header(name, value);
  }
  const path = pathOf(target!);
  if (said.status >= 400 && isForPerson(request)) return sendRefused(request, reply, said);
  if (metadata.some((one) => one === path)) reply.header("cache-control", "public, max-age=60");
  return reply.code(said.status).send(Buffer.from(said.body));
}
