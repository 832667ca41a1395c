import { Readable } from "node:stream";
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { budgetFields } from "@wellapi/limits";
import {
  type Door,
  dpopNonceHeader,
  problemError,
  requestIdHeader,
  type UnadmittedRequest,
} from "@wellapi/rpc";
import type { Logger } from "@wellapi/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import { HttpError } from "./errors.ts";
import { createOutsideRequest, type OutsideRequest } from "./outside-request.ts";
import { logRefusal, markRefused, type Refusal, refusalOf, requestRefusal, sendRefusal } from "./refusal.ts";
import { credentialHeaders, keptHeaders } from "./request-headers.ts";
import { onceOver } from "./request-over.ts";
import { type Bodies, hasPath, type ShapedRefusal, type Surface, type SurfaceContext } from "./surface.ts";

/** A surface, and the door that its calls to services go through. */
export interface MountedSurface {
  readonly surface: Surface;
  /** Not for a surface that writes its answers itself. */
  readonly door?: Door;
  /** Where callers reach the installation; for surfaces that answer with addresses of their own. */
  readonly origin?: () => string;
  /** Is told of what the surface refuses before it makes a call for it; nobody is unless given. */
  readonly unadmitted?: ((request: UnadmittedRequest) => void) | undefined;
}

/** Marks the routes of a surface, for the policies that the server carries for it. */
declare module "fastify" {
  interface FastifyContextConfig {
    surface?: Surface;
    /** The RPC that the body of a request is for. */
    rpc?: DescMethod;
    /** Whom the caller acts as in the call of `rpc`. */
    actingAs?: string;
  }
}

const noBodies: Bodies = { limit: 0, parsers: {} };

/** Largest body that is read for a caller who is not known yet. */
const anybodysBytes = 16_384;

/** Mounts the surface as an encapsulated plugin: its settings reach no other surface. */
export async function mountSurface(
  app: FastifyInstance,
  { surface, door, origin = noOrigin, unadmitted }: MountedSurface,
  { shutdown, log }: { readonly shutdown: AbortSignal; readonly log: Logger },
): Promise<void> {
  const raw = surface.bodies === "unread";
  if (raw && door !== undefined) {
    throw new HttpError("invalid-surface", `${surface.name} writes its answers itself: it can't have a door`);
  }
  const bodies = surface.bodies === undefined || surface.bodies === "unread" ? noBodies : surface.bodies;
  assertBodies(surface, bodies, door);
  const requests = new WeakMap<FastifyRequest, OutsideRequest>();
  /** State of a request that reached a surface: one that the server refused is missing, and made no calls. */
  const of = (request: FastifyRequest): OutsideRequest => {
    const known = requests.get(request);
    if (known === undefined) throw new HttpError("no-door", `no request of the surface ${surface.name}`);
    return known;
  };
  const context: SurfaceContext = {
    as: (request, actingAs) => of(request).as(actingAs),
    asAnyone: (request) => of(request).asAnyone(),
    origin,
    shutdown,
    log,
  };

  await app.register(async (scope) => {
    scope.addHook("onRoute", (route) => {
      assertOwn(surface, route);
      route.config = { ...route.config, surface };
      if (!raw) route.bodyLimit = bodies.limit || 1; // 0 would be Fastify's default
    });
    if (raw) {
      scope.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    } else {
      addParsers(scope, bodies);
      scope.addHook("onRequest", async (request, reply) => {
        request.raw.headers = keptHeaders(surface, request.raw.headers);
        reply.hijack = refuseHijack;
        const outside = createOutsideRequest({ surface: surface.name, door, shutdown, request, reply });
        requests.set(request, outside);
        if (!announcesBody(request)) return;
        const { rpc, actingAs } = request.routeOptions.config;
        if (rpc === undefined) throw Object.assign(new Error("no body here"), { statusCode: 415 });
        await outside.admit(rpc, bodies.credential ?? "header", actingAs);
      });
      scope.addHook("onSend", (request, reply, payload) =>
        released(surface, requests.get(request), reply, payload),
      );
    }
    scope.setErrorHandler(async (error, request, reply) => {
      const types = request.routeOptions.config.rpc === undefined ? [] : typesOf(bodies);
      const unread = requestRefusal(error, bodies.limit, types);
      const refusal = unread ?? (surface.refuse ?? refusalOf)(error);
      // What the surface itself refuses: its own rule says that the request is at fault.
      const refused =
        unread ?? (error instanceof ConnectError || refusal.status >= 500 ? undefined : refusal);
      // A call has its own line, also one that ends because its body cannot be read.
      const logged =
        refused === undefined
          ? error instanceof ConnectError && error.metadata.has(requestIdHeader)
          : requests.get(request)?.refuseBody(errorOf(refused)) === true;
      if (refused === undefined && !(error instanceof ConnectError)) {
        log.error({ err: error, surface: surface.name, request_id: request.id }, "unexpected error");
      } else if (!logged) {
        logRefusal(log, request, { status: refusal.status, reason: refusal.problem.reason });
        const told = unadmitted && requests.get(request)?.unadmitted(refusal.problem);
        if (told !== undefined) unadmitted?.(told);
      }
      if (error instanceof ConnectError) {
        for (const name of ["www-authenticate", dpopNonceHeader]) {
          const value = error.metadata.get(name);
          if (value !== null) reply.header(name, value);
        }
      }
      return sendShaped(surface, reply, refusal);
    });
    await surface.mount(scope, context);
  });
}

/** A body that nobody could be admitted for stops the start. */
function assertBodies(
  { name }: Surface,
  { limit, credential, streamed = [] }: Bodies,
  door: Door | undefined,
): void {
  if (limit > 0 && door === undefined) {
    throw new HttpError(
      "invalid-surface",
      `${name} takes bodies: it needs a door, which admits their callers`,
    );
  }
  if (credential === "body" && (limit > anybodysBytes || streamed.length > 0)) {
    const message = `${name} reads bodies before it knows their callers: their limit is at most ${anybodysBytes} bytes`;
    throw new HttpError("invalid-surface", message);
  }
}

/** Whether a body follows the headers (RFC 9112, 6.3). */
function announcesBody({ headers }: FastifyRequest): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** For the admitted call, whose caller sent the wrong body: no failure of the server. */
function errorOf({ problem: { reason, message } }: Refusal): ConnectError {
  return problemError({ code: Code.InvalidArgument, reason, message });
}

/** Runs before each write of an answer: data that a change has taken away since the answer's call does not leave. */
async function released(
  surface: Surface,
  request: OutsideRequest | undefined,
  reply: FastifyReply,
  payload: unknown,
): Promise<unknown> {
  if (!reply.hasHeader("cache-control"))
    reply.header("cache-control", surface.cacheControl ?? "private, no-store");
  if (request === undefined) return payload;
  if (request.identified()) {
    reply.header(requestIdHeader, request.id);
    reply.header("vary", [...[reply.getHeader("vary") ?? []].flat(), ...credentialHeaders].join(", "));
  }
  // What anybody may keep in a cache says nothing of the one who fetched it.
  if (request.identified() || reply.statusCode === 429) {
    for (const [name, value] of budgetFields(request.budget(), reply.statusCode)) reply.header(name, value);
  }
  if (isStream(payload)) {
    // What nobody has begun to read is not ended by its reader.
    if (payload instanceof Readable) onceOver(reply.raw, () => payload.destroy());
    return Readable.from(heldBack(payload, request, reply), { objectMode: false, highWaterMark: 1 });
  }
  const objection = request.objection();
  if (objection === undefined) {
    const bytes =
      typeof payload === "string"
        ? Buffer.byteLength(payload)
        : Buffer.isBuffer(payload)
          ? payload.length
          : 0;
    onceOver(reply.raw, request.hold(bytes));
    return payload;
  }
  const refusal = (surface.refuse ?? refusalOf)(objection);
  const { contentType, body, location } = shaped(surface, refusal, reply.request);
  for (const name of ["content-length", "content-encoding", "etag", "last-modified"])
    reply.removeHeader(name);
  reply.code(refusal.status).header("cache-control", "no-store").header("content-type", contentType);
  if (location !== undefined) reply.code(303).header("location", location);
  if (refusal.retryAfterSeconds !== undefined) reply.header("retry-after", String(refusal.retryAfterSeconds));
  return body;
}

function isStream(payload: unknown): payload is AsyncIterable<Uint8Array> {
  return typeof payload === "object" && payload !== null && Symbol.asyncIterator in payload;
}

/** The status is sent already: the answer breaks off, so that no client takes the part for the whole. */
async function* heldBack(
  chunks: AsyncIterable<Uint8Array>,
  request: OutsideRequest,
  reply: FastifyReply,
): AsyncIterable<Uint8Array> {
  let taken = (): void => {};
  reply.raw.once("close", () => taken());
  for await (const chunk of chunks) {
    if (reply.raw.closed) return;
    const objection = request.objection();
    if (objection !== undefined) throw objection;
    taken();
    taken = request.hold(chunk.length);
    yield chunk;
  }
}

function noOrigin(): never {
  throw new HttpError("invalid-surface", "it is not known where callers reach this surface");
}

function refuseHijack(): never {
  throw new HttpError("no-door", "an answer that is written past the server is not held back in time");
}

function typesOf({ parsers, streamed = [] }: Bodies): readonly string[] {
  return [...Object.keys(parsers), ...streamed];
}

/** Adds parsers only for the media types that the surface declares. */
function addParsers(scope: FastifyInstance, { limit, parsers, streamed = [] }: Bodies): void {
  for (const type of streamed)
    scope.addContentTypeParser(type, (_request, payload, done) => done(null, payload));
  for (const [type, parse] of Object.entries(parsers)) {
    scope.addContentTypeParser(type, { parseAs: "buffer", bodyLimit: limit }, (_request, bytes, done) => {
      try {
        done(null, parse(bytes as Buffer));
      } catch (cause) {
        done(Object.assign(new Error("the body can't be parsed", { cause }), { statusCode: 400 }));
      }
    });
  }
}

function assertOwn(surface: Surface, { url, method }: RouteOptions): void {
  const path = url.replace(/\*$/, "");
  const methods = [method].flat() as string[];
  const foreign = methods.filter((one) => !surface.methods.some((own) => own === one));
  if (hasPath(surface, path) && foreign.length === 0) return;
  throw new HttpError(
    "invalid-surface",
    `the surface ${surface.name} has no route ${methods.join()} ${url}: it is ${surface.methods.join()} ${surface.paths.join()}`,
  );
}

function shaped({ shape }: Surface, refusal: Refusal, request: FastifyRequest): ShapedRefusal {
  return (
    shape?.(refusal, request) ?? {
      contentType: "application/json; charset=utf-8",
      body: JSON.stringify(refusal.problem),
    }
  );
}

function sendShaped(surface: Surface, reply: FastifyReply, refusal: Refusal): FastifyReply {
  if (refusal.status === 401 && !reply.hasHeader("www-authenticate"))
    reply.header("www-authenticate", "Bearer");
  if (surface.shape === undefined) return sendRefusal(reply, refusal);
  const { contentType, body, location } = surface.shape(refusal, reply.request);
  if (refusal.retryAfterSeconds !== undefined) reply.header("retry-after", String(refusal.retryAfterSeconds));
  markRefused(reply, refusal.status);
  if (location !== undefined) reply.code(303).header("location", location);
  return reply.type(contentType).send(body);
}
