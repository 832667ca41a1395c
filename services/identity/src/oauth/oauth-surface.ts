import { createClient } from "@connectrpc/connect";
import { OAuthProtocolService } from "@wellapi/gen/wellapi/internal/identity/v1/oauth_protocol_service_pb";
import type { HttpReply, HttpRequest, Surface, SurfaceContext } from "@wellapi/http";
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
const metadata = [paths.openid, paths.oauth, paths.smart] as const;

/** OAuth 2 and OpenID Connect over HTTP. The protocol itself is behind the RPC that each request is handed to. */
export const oauthSurface: Surface = {
  name: "oauth",
  paths: ["/oauth2/", ...metadata],
  methods: ["GET", "POST"],
  requestHeaders: ["cookie", "dpop"],
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
  const path = target!.split("?", 1)[0]!;
  if (metadata.some((one) => one === path)) reply.header("cache-control", "public, max-age=60");
  return reply.code(said.status).send(Buffer.from(said.body));
}
