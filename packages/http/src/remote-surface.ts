import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { requestIdHeader } from "@wellapi/rpc";
import type { Logger } from "@wellapi/runtime";
import type { FastifyReply } from "fastify";
import { clientCertificateHeader } from "./client-certificate.ts";
import { createPeerAgent, type PeerTls } from "./peer-agent.ts";
import { partUnavailable, sendRefusal } from "./refusal.ts";
import { callerAddressHeader, endToEnd, keptHeaders } from "./request-headers.ts";
import { hasPath, pathOf, type Surface, type SurfaceDeclaration } from "./surface.ts";

export interface RemoteSurfaceOptions {
  /** As the service declares it: other paths and methods do not reach the service. */
  readonly surface: SurfaceDeclaration;
  /** `host:port` of the processes that serve it, asked in turn. */
  readonly addresses: readonly string[];
  /** Absent: plain text to a sidecar, which knows both sides. */
  readonly tls?: PeerTls;
}

/** An answer that does not start or continue for this long is given up. */
const silentMs = 30_000;
/** Tried once more, on another connection: the kept connection had ended. */
const againMs = 20;

/**
 * Represents a surface that another process serves: forwards requests and answers as streams, without headers of a
 * connection and without headers that only internal callers may set. Callers are not authenticated here: the
 * credential goes to the service, which has its own door.
 */
export function createRemoteSurface({ surface, addresses, tls }: RemoteSurfaceOptions): Surface {
  let turn = 0;
  /** With TLS the agent chooses the address. */
  const upstream = (): string => {
    turn = (turn + 1) % addresses.length;
    return tls === undefined ? `http://${addresses[turn]}` : `https://${tls.workload}`;
  };
  return {
    ...surface,
    bodies: "unread",
    async mount(app, { log }) {
      const { default: replyFrom } = await import("@fastify/reply-from");
      const agents = {
        "http:": new HttpAgent({ keepAlive: true, timeout: silentMs }),
        "https:": tls === undefined ? new HttpsAgent() : createPeerAgent(addresses, tls),
      };
      await app.register(replyFrom, {
        disableCache: true, // of paths, which can name a patient
        disableRequestLogging: true,
        destroyAgent: true,
        http: { agents, requestOptions: { timeout: silentMs } },
      });
      for (const path of surface.paths) {
        app.route({
          method: [...surface.methods],
          url: path.endsWith("/") ? `${path}*` : path,
          handler(request, reply) {
            // Uses the raw target: the router has decoded its own copy, and dots in it could leave the prefix.
            const { pathname } = new URL(`http://surface${pathOf(request.raw.url)}`);
            if (!hasPath(surface, pathname)) return reply.callNotFound();
            return reply.from(undefined, {
              getUpstream: upstream,
              rewriteRequestHeaders: (_request, { host, ...headers }) => ({
                ...endToEnd(keptHeaders(surface, headers)),
                host,
                // One id at both processes, so that the lines of both are found by it.
                [requestIdHeader]: request.id,
                ...(request.callerAddress !== undefined && { [callerAddressHeader]: request.callerAddress }),
                ...(request.clientCertificate !== undefined && {
                  [clientCertificateHeader]: Buffer.from(request.clientCertificate).toString("base64"),
                }),
              }),
              rewriteHeaders: endToEnd,
              retriesCount: 1,
              retryDelay: ({ err, attempt }) =>
                isReset(err) && isSafe(request.method) && attempt === 0 ? againMs : null,
              onError: (failed, { error }) => unanswered(failed as FastifyReply, surface, error, log),
            });
          },
        });
      }
    },
  };
}

/** A kept connection has ended during the request. */
function isReset(error: Error | null | undefined): boolean {
  return error instanceof Error && "code" in error && error.code === "ECONNRESET";
}

/** Safe methods (RFC 9110, 9.2.1) change nothing, so that they may be sent again. */
function isSafe(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

function unanswered(reply: FastifyReply, { name }: SurfaceDeclaration, error: Error, log: Logger): void {
  log.warn(
    { err: error, surface: name, request_id: reply.request.id },
    "the surface's service does not answer",
  );
  sendRefusal(reply, partUnavailable);
}
