import { cors } from "@connectrpc/connect";
import { requestIdHeader } from "@wellapi/rpc";

/** What pages of an allowed origin may do (Fetch standard, CORS protocol). Never with cookies. */
export interface CorsPolicy {
  readonly methods: readonly string[];
  /** Request headers. */
  readonly allowedHeaders: readonly string[];
  /** Headers of answers. */
  readonly exposedHeaders: readonly string[];
}

/** Of the RPCs, and of every surface that does not have its own. */
const rpcPolicy: CorsPolicy = {
  methods: cors.allowedMethods,
  allowedHeaders: [...cors.allowedHeaders, "authorization", "x-api-key", requestIdHeader],
  exposedHeaders: [...cors.exposedHeaders, requestIdHeader],
};

/** As @fastify/cors takes it. */
export function corsOptions(origins: readonly string[], policy: CorsPolicy | "none" = rpcPolicy) {
  if (policy === "none") return { origin: false as const };
  return {
    origin: [...origins],
    methods: [...policy.methods],
    allowedHeaders: [...policy.allowedHeaders],
    exposedHeaders: [...policy.exposedHeaders],
    maxAge: 7_200,
  };
}
