import type { Transport } from "@connectrpc/connect";
import type { Logger } from "@wellapi/runtime";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { SurfaceCors } from "./cors.ts";
import type { Refusal } from "./refusal.ts";
import type { SecurityHeaders } from "./security-headers.ts";

export type HttpMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/**
 * The public part of a surface, known without opening it: enough to route requests to the process that serves it, and
 * to write the mesh's policies.
 */
export interface SurfaceDeclaration {
  /** Unique in an installation. For logs and errors. */
  readonly name: string;
  /** `/log/` is this path and all below it, `/.well-known/jwks.json` is this path alone. Surfaces share no path. */
  readonly paths: readonly string[];
  /** Requests with other methods get the answer of a missing path. */
  readonly methods: readonly HttpMethod[];
  /** Request headers that it reads besides those that every surface gets (request-headers.ts), in small letters. */
  readonly requestHeaders?: readonly string[];
  /** Headers of its answers that pages of other origins may read besides those of every surface (cors.ts). */
  readonly exposedHeaders?: readonly string[];
  /** `default-src 'none'; frame-ancestors 'none'` unless given. */
  readonly securityHeaders?: SecurityHeaders;
  /**
   * For the origins that the installation names and those that clients have registered. Unless given: its own methods and headers
   * beside those of every surface. `none`: no other origin may read it. `anyone`: every page reads its answers, to requests that need
   * no preflight: for what is the same for everybody and no secret.
   */
  readonly cors?: SurfaceCors;
}

/** The bodies of requests that a surface takes. */
export interface Bodies {
  /** Bytes. A larger one is refused. */
  readonly limit: number;
  /** By media type. A body of another type is refused with 415; one that a parser throws at, with 400. */
  readonly parsers: Readonly<Record<string, (bytes: Buffer) => unknown>>;
  /**
   * Media types of bodies that a route reads itself as they come, as a `Readable`: its own limits hold, and not `limit`. Their
   * caller is in the headers.
   */
  readonly streamed?: readonly string[];
  /**
   * Where callers show their credential. `header` unless given. `body`: it is a part of the body, as at a token endpoint or
   * a sign-in. Then the body is read for anybody within the budget of the address, and `limit` is at most 16 KiB.
   */
  readonly credential?: "header" | "body";
}

/** A refusal as its reader gets it. */
export interface ShapedRefusal {
  readonly contentType: string;
  readonly body: string;
  /** For readers whose browser should go on elsewhere: the answer is 303 with this path of our own. */
  readonly location?: string;
}

/**
 * One part of the installation's HTTP, owned by the service whose business it is: an encapsulated Fastify plugin. Its
 * settings (parsers, hooks, error shape) are its own; the server (server.ts) provides what every surface needs.
 */
export interface Surface extends SurfaceDeclaration {
  /**
   * None unless given. `unread`: the surface reads its requests and writes its answers itself. It has no transport
   * then, because nobody else can hold back an answer at its last moment.
   */
  readonly bodies?: Bodies | "unread";
  /** `cache-control` of answers that do not say otherwise; `private, no-store` unless given. */
  readonly cacheControl?: string;
  /** The refusal for an error that a route throws; `refusalOf` unless given. */
  readonly refuse?: (error: unknown) => Refusal;
  /** How a refusal is written; as a `HttpProblem` in JSON unless given. */
  readonly shape?: (refusal: Refusal, request: FastifyRequest) => ShapedRefusal;
  /**
   * Adds the routes. A route outside `paths` and `methods` stops the start. A route that takes a body names the RPC that the
   * body is for (`config: { rpc }`, with `actingAs` where it is fixed): the request is admitted as a call of that RPC before its
   * body is read, and the first such call that the route makes is the admitted one. A body on another route is refused.
   */
  mount(app: FastifyInstance, context: SurfaceContext): void | Promise<void>;
}

/** Everything that a surface gets from the installation. There is no other way from it to a service. */
export interface SurfaceContext {
  /**
   * Calls the public services for the caller of the request: with the credential in its headers, through the same
   * interceptors as an RPC from outside. The calls end with the request. `actingAs`: whom a signed-in person acts as
   * (a patient's or an organization's id, `staff`, `account`), whatever the request's own header says of it.
   */
  as(request: FastifyRequest, actingAs?: string): Transport;
  /** The same for an anonymous caller, whatever credential the request holds: for public data. */
  asAnyone(request: FastifyRequest): Transport;
  /** Where callers reach the installation, as `https://wellapi.example`: never taken from a request. Known once the doors are open. */
  origin(): string;
  /** Aborts when the server has waited long enough for open requests. */
  readonly shutdown: AbortSignal;
  readonly log: Logger;
}

/** Whether the path is one of the surface's. */
export function hasPath({ paths }: SurfaceDeclaration, path: string): boolean {
  return paths.some((own) => (own.endsWith("/") ? path.startsWith(own) : path === own));
}

/** The surface of the path: the one with the longest path that fits. */
export function surfaceOf<S extends SurfaceDeclaration>(surfaces: readonly S[], path: string): S | undefined {
  const fitting = (surface: S): number =>
    Math.max(
      0,
      ...surface.paths.filter((own) => hasPath({ ...surface, paths: [own] }, path)).map((own) => own.length),
    );
  const best = surfaces.reduce<S | undefined>(
    (found, one) => (fitting(one) > (found === undefined ? 0 : fitting(found)) ? one : found),
    undefined,
  );
  return best;
}

/** The path of a request's target, without its query. */
export function pathOf(url: string | undefined): string {
  const target = url ?? "/";
  const end = target.indexOf("?");
  return end < 0 ? target : target.slice(0, end);
}
