import type { FastifyInstance } from "fastify";

/** Health of the server: alive always, ready until it stops. */
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
