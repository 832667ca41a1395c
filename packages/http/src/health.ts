import type { FastifyInstance } from "fastify";

/**
 * Health of the server: alive always, ready until it stops. While data cannot be stored the server is ready, for reads and
 * revocations go on, and says so.
 */
export function addHealth(app: FastifyInstance, stopping: () => boolean, readOnly: () => boolean): void {
  app.get("/healthz", async (_request, reply) => {
    reply.header("cache-control", "no-store");
    return { status: "ok" };
  });

  app.get("/readyz", async (_request, reply) => {
    reply.header("cache-control", "no-store");
    if (stopping()) return reply.code(503).send({ status: "not ready" });
    return readOnly() ? { status: "ready", writes: "refused", reason: "DISK_FULL" } : { status: "ready" };
  });
}
