import { createClient } from "@connectrpc/connect";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import { fileRefusalOf, type Surface } from "@wellapi/http";

const callMs = 5_000;

/** The keys that verify this installation's tokens, for anybody (RFC 7517, RFC 8615). */
export const keysSurface: Surface = {
  name: "keys",
  paths: ["/.well-known/jwks.json"],
  methods: ["GET"],
  refuse: fileRefusalOf,
  mount(app, context) {
    app.get("/.well-known/jwks.json", async (request, reply) => {
      const tokens = createClient(TokenService, context.asAnyone(request));
      const { jwks } = await tokens.getJwks({}, { timeoutMs: callMs });
      return reply
        .header("content-type", "application/jwk-set+json")
        .header("cache-control", "public, max-age=60")
        .send(jwks);
    });
  },
};
