import type { IncomingHttpHeaders } from "node:http";
import { cors } from "@connectrpc/connect";
import { deprecationHeaders, dpopNonceHeader, requestIdHeader, versionHeader } from "@wellapi/rpc";
import type { FastifyReply } from "fastify";
import type { Refusal } from "./refusal.ts";
import { credentialHeaders } from "./request-headers.ts";
import type { SurfaceDeclaration } from "./surface.ts";

/** What pages of an allowed origin may do (Fetch standard, CORS protocol). Never with cookies. */
export interface CorsPolicy {
  readonly methods: readonly string[];
  /** Request headers. */
  readonly allowedHeaders: readonly string[];
  /** Headers of answers. */
  readonly exposedHeaders: readonly string[];
  /**
   * Methods whose answers a page of a registered client reads only if the surface says so (`readableBy`), because it knows the
   * client of the request. None unless given: any client's page reads any answer.
   */
  readonly byClient?: readonly string[];
}

/** Of a surface: `none`: for no page of another origin, `anyone`: for every page, without a preflight. */
export type SurfaceCors = CorsPolicy | "none" | "anyone";

/** Whose the origin of a page is: `setting`: the installation names it; `client`: a client has registered it. Undefined: nobody's. */
export type OriginStanding = "setting" | "client" | undefined;

/** In a list of origins: every port of this machine, by `http` or `https`. */
export const localOrigins = "localhost";
const localOrigin = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;

/** W3C Trace Context: a page that is traced sends them with each call. */
const traceHeaders = ["traceparent", "tracestate"];

/** Of paths that no surface has, and the part of it that all surfaces share. */
const usualPolicy: CorsPolicy = {
  methods: cors.allowedMethods,
  allowedHeaders: [...cors.allowedHeaders, ...credentialHeaders, requestIdHeader, ...traceHeaders],
  exposedHeaders: [
    ...cors.exposedHeaders,
    requestIdHeader,
    versionHeader,
    ...Object.values(deprecationHeaders),
    dpopNonceHeader,
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "www-authenticate",
  ],
};

/** What pages of other origins may do with a surface. Cookies are never theirs to send. */
export function corsPolicyOf(surface: SurfaceDeclaration | undefined): SurfaceCors {
  if (surface === undefined) return usualPolicy;
  const { cors: own, methods, requestHeaders = [], exposedHeaders = [] } = surface;
  if (own !== undefined) return own;
  const sent = ["if-match", "if-none-match", ...requestHeaders.filter((name) => name !== "cookie")];
  return {
    methods,
    allowedHeaders: [...usualPolicy.allowedHeaders, ...sent],
    exposedHeaders: [...usualPolicy.exposedHeaders, ...exposedHeaders],
  };
}

/** Of the RPCs. */
export const rpcCors: CorsPolicy = { ...usualPolicy, byClient: ["GET", "POST"] };

/** Lets pages of the origin read the answer that gets these headers. */
export function readableBy(
  origin: string,
  { exposedHeaders }: Pick<CorsPolicy, "exposedHeaders"> = rpcCors,
): ReadonlyArray<readonly [name: string, value: string]> {
  return [
    ["access-control-allow-origin", origin],
    ["access-control-expose-headers", exposedHeaders.join(", ")],
  ];
}

/** What the server sets for pages on a reply, in small letters. Its other headers are on the raw response from the start. */
const pageHeaders = ["access-control-allow-origin", "access-control-expose-headers", "vary"] as const;

/** For a surface that writes its answer to the raw response itself. */
export function passPageHeaders(reply: FastifyReply): void {
  for (const name of pageHeaders) {
    const value = reply.getHeader(name);
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
}

function patternOf(origin: string): string | RegExp {
  return origin === localOrigins ? localOrigin : origin;
}

/** Whether the installation names the origin. */
export function allows(origins: readonly string[], asked: string): boolean {
  return origins.map(patternOf).some((own) => (typeof own === "string" ? own === asked : own.test(asked)));
}

interface AskedByPage {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

/** As @fastify/cors takes it. `standing`: of the request's origin. */
export function corsOptions(request: AskedByPage, standing: OriginStanding, policy: SurfaceCors) {
  const { origin } = request.headers;
  const fixed = policy === "none" || policy === "anyone";
  if (fixed || origin === undefined || standing === undefined) return { origin: false as const };
  const bySurface = standing === "client" && policy.byClient?.includes(request.method) === true;
  if (bySurface) return { origin: false as const };
  return {
    origin: [origin],
    methods: [...policy.methods],
    allowedHeaders: [...policy.allowedHeaders],
    exposedHeaders: [...policy.exposedHeaders],
    maxAge: 7_200,
  };
}

/** The refusal of a preflight (Fetch standard) of nobody's page; undefined for any other request. */
export function refusedPreflight(
  request: AskedByPage,
  standing: OriginStanding,
  policy: SurfaceCors,
): Refusal | undefined {
  const { origin } = request.headers;
  const preflight =
    request.method === "OPTIONS" &&
    origin !== undefined &&
    request.headers["access-control-request-method"] !== undefined;
  if (!preflight) return undefined;
  if (policy !== "none" && policy !== "anyone" && standing !== undefined) return undefined;
  return {
    status: 403,
    problem: {
      code: "permission_denied",
      reason: "ORIGIN_NOT_ALLOWED",
      message: refusals[policy === "none" || policy === "anyone" ? policy : "origin"],
    },
  };
}

const refusals = {
  none: "pages of other origins may not use this path, whatever the settings say",
  anyone: "pages read this path by a GET without headers of their own: it needs no preflight",
  origin:
    "pages of this origin may not call: register it with the application (allowed_origins), or add it to the setting WELLAPI_CORS_ORIGINS of the gateway",
} as const;
