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

/** In a list of origins: every port of this machine, by `http` or `https`. */
export const localOrigins = "localhost";
const localOrigin = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;

/** W3C Trace Context: a page that is traced sends them with each call. */
const traceHeaders = ["traceparent", "tracestate"];

/** Of the RPCs, and of every surface that does not have its own. */
const rpcPolicy: CorsPolicy = {
  methods: cors.allowedMethods,
  allowedHeaders: [...cors.allowedHeaders, "authorization", "x-api-key", requestIdHeader, ...traceHeaders],
  exposedHeaders: [...cors.exposedHeaders, requestIdHeader],
};

/** As @fastify/cors takes it. */
export function corsOptions(origins: readonly string[], policy: CorsPolicy | "none" = rpcPolicy) {
  if (policy === "none") return { origin: false as const };
  return {
    origin: origins.map((origin) => (origin === localOrigins ? localOrigin : origin)),
    methods: [...policy.methods],
    allowedHeaders: [...policy.allowedHeaders],
    exposedHeaders: [...policy.exposedHeaders],
    maxAge: 7_200,
  };
}
