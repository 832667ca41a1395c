import {
  type AnswerGuard,
  type Authentication,
  anonymous,
  type Budget,
  createDoor,
  type Route,
  serverInterceptors,
} from "@wellapi/rpc";
import { createTrustingAuthentication, nothingChanges } from "@wellapi/rpc/testing";
import { type Logger, silentLogger } from "@wellapi/runtime";
import type { MountedSurface } from "./mount.ts";
import { type HttpServer, type HttpServerOptions, openHttpServer } from "./server.ts";
import type { Surface } from "./surface.ts";

/**
 * The surface on a free port of the loopback, before these routes, with the real interceptors of a door. Callers are
 * anonymous unless `authentication` says otherwise. For tests only.
 */
export async function openTestSurface(
  surface: Surface,
  options: {
    readonly routes: readonly Route[];
    readonly authentication?: Authentication;
    readonly answers?: AnswerGuard;
    readonly budget?: Budget;
    readonly server?: Partial<HttpServerOptions>;
    readonly origin?: () => string;
    readonly unadmitted?: MountedSurface["unadmitted"];
    readonly log?: Logger;
  },
): Promise<HttpServer & { readonly url: string }> {
  const log = options.log ?? silentLogger;
  const door = createDoor({
    routes: options.routes,
    interceptors: serverInterceptors({
      log,
      authentication:
        options.authentication ?? createTrustingAuthentication({ ...anonymous, workload: "gateway" }),
      release: { guard: options.answers ?? nothingChanges, guards: () => false },
      ...(options.budget && { budget: options.budget }),
    }),
  });
  const server = await openHttpServer({
    host: "127.0.0.1",
    port: 0,
    portSetting: "WELLAPI_HTTP_PORT",
    corsOrigins: [],
    surfaces: [
      { surface, door, unadmitted: options.unadmitted, ...(options.origin && { origin: options.origin }) },
    ],
    log,
    ...options.server,
  });
  return { ...server, url: `http://localhost:${server.port}` };
}
