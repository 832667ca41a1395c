import type { IncomingHttpHeaders } from "node:http";
import { cors } from "@connectrpc/connect";
import { dpopNonceHeader, requestIdHeader } from "@wellapi/rpc";
import type { Refusal } from "./refusal.ts";
import { credentialHeaders } from "./request-headers.ts";

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
  allowedHeaders: [...cors.allowedHeaders, ...credentialHeaders, requestIdHeader, ...traceHeaders],
  exposedHeaders: [
    ...cors.exposedHeaders,
    requestIdHeader,
    dpopNonceHeader,
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "www-authenticate",
  ],
};

function patternOf(origin: string): string | RegExp {
  return origin === localOrigins ? localOrigin : origin;
}

function allows(origins: readonly string[], asked: string): boolean {
  return origins.map(patternOf).some((own) => (typeof own === "string" ? own === asked : own.test(asked)));
}

/** As @fastify/cors takes it. */
export function corsOptions(origins: readonly string[], policy: CorsPolicy | "none" = rpcPolicy) {
  if (policy === "none") return { origin: false as const };
  return {
    origin: origins.map(patternOf),
    methods: [...policy.methods],
    allowedHeaders: [...policy.allowedHeaders],
    exposedHeaders: [...policy.exposedHeaders],
    maxAge: 7_200,
  };
}

/** The refusal of a preflight (Fetch standard) that no setting permits; undefined for any other request. */
export function refusedPreflight(
  request: { readonly method: string; readonly headers: IncomingHttpHeaders },
  origins: readonly string[],
  policy: CorsPolicy | "none" | undefined,
): Refusal | undefined {
  const { origin } = request.headers;
  const preflight =
    request.method === "OPTIONS" &&
    origin !== undefined &&
    request.headers["access-control-request-method"] !== undefined;
  if (!preflight || (policy !== "none" && allows(origins, origin))) return undefined;
  return {
    status: 403,
    problem: {
      code: "permission_denied",
      reason: "ORIGIN_NOT_ALLOWED",
      message:
        policy === "none"
          ? "pages of other origins may not use this path, whatever the settings say"
          : "pages of this origin may not call: add the origin to the setting WELLAPI_CORS_ORIGINS of the gateway",
    },
  };
}
