import type { FastifyInstance } from "fastify";

/** The server's own: it lives, and it takes calls, which it does until it stops. */
export function addHealth(app: FastifyInstance, stopping: () => boolean): void {
  app.get("/healthz", async (_request, reply) => {
    reply.header("cache-control", "no-store");
    return { status: "ok" };
  });

  app.get("/readyz", async (_request, reply) => {
    reply.header("cache-control", "no-store");
    return stopping() ? reply.code(503).send({ status: "not ready" }) : { status: "ready" };
  });
}
