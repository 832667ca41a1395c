import type { FastifyInstance } from "fastify";
import type { HttpProblem } from "./errors.ts";

/** Files of the log: `successions`; C2SP tlog-tiles: `checkpoint`, `tile/<level>/<index>`, `tile/entries/<index>`. */
export interface Tiles {
  /** The file at the path, or undefined where there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
}

export interface HttpEndpointsOptions {
  readonly tiles: Tiles;
  /** The JSON Web Key Set, as text. */
  jwks(): Promise<string>;
  /** Whether calls are taken. */
  ready(): Promise<boolean>;
}

// <level> 0 to 63 or "entries"; <index> in groups of three digits, all but the last led by x; partial: .p/<width>
const tilePath =
  /^tile\/(?:[0-9]|[1-5][0-9]|6[0-3]|entries)\/(?:x[0-9]{3}\/){0,6}[0-9]{3}(?<partial>\.p\/(?:[1-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?$/;

/** The paths that are no RPCs: health, keys, the log's files. */
export function addHttpEndpoints(app: FastifyInstance, options: HttpEndpointsOptions): void {
  app.get("/healthz", async (_request, reply) => {
    reply.header("cache-control", "no-store");
    return { status: "ok" };
  });

  app.get("/readyz", async (_request, reply) => {
    reply.header("cache-control", "no-store");
    const ready = await options.ready();
    return reply.code(ready ? 200 : 503).send({ status: ready ? "ready" : "not ready" });
  });

  app.get("/.well-known/jwks.json", async (_request, reply) => {
    const jwks = await options.jwks();
    return reply
      .header("content-type", "application/jwk-set+json")
      .header("cache-control", "public, max-age=60")
      .send(jwks);
  });

  app.get<{ Params: { "*": string } }>("/log/*", async (request, reply) => {
    const path = request.params["*"];
    const tile = tilePath.exec(path);
    const known = path === "checkpoint" || path === "successions" || tile !== null;
    const file = known ? await options.tiles.read(path) : undefined;
    if (file === undefined) {
      const problem: HttpProblem = {
        code: "not_found",
        reason: "NOT_FOUND",
        message: known
          ? "the log has no such file: start from /log/checkpoint, its size says which tiles there are"
          : "not a path of the log: /log/checkpoint, /log/tile/<level>/<index> and /log/tile/entries/<index> are (C2SP tlog-tiles)",
      };
      return reply.code(404).header("cache-control", "no-store").send(problem);
    }
    const full = tile !== null && tile.groups?.partial === undefined;
    return reply
      .header(
        "content-type",
        path === "checkpoint"
          ? "text/plain; charset=utf-8"
          : path === "successions"
            ? "application/json"
            : "application/octet-stream",
      )
      .header("cache-control", full ? "public, max-age=31536000, immutable" : "no-cache")
      .send(Buffer.from(file.buffer, file.byteOffset, file.byteLength));
  });
}
