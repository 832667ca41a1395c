import type { FastifyInstance } from "fastify";

/** The server's own: it lives, and it takes calls. */
export function addHealth(app: FastifyInstance, ready: () => Promise<boolean>): void {
  app.get("/healthz", async (_request, reply) => {
    reply.header("cache-control", "no-store");
    return { status: "ok" };
  });

  app.get("/readyz", async (_request, reply) => {
    reply.header("cache-control", "no-store");
    const isReady = await ready();
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? "ready" : "not ready" });
  });
}
