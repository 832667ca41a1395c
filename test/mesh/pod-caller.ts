/**
 * Runs in a pod, as another user than its proxy's, and calls through the sidecar, in plain text, as a service does.
 * The stranger's also serves, so that a row can ask whether anybody reaches it.
 */
import { type ClientHttp2Session, connect, createServer } from "node:http2";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { callGrpc, type GrpcCall, type GrpcReply } from "./grpc-probe.ts";

/** Calls of another round go over another connection. */
export type Question = { readonly id: number; readonly round: number } & (
  | { readonly kind: "grpc"; readonly authority: string; readonly call: GrpcCall }
  | ({ readonly kind: "reach" } & Server)
);

/** Not of the mesh. */
export interface Server {
  readonly host: string;
  readonly port: number;
  /** How it speaks first: by TLS, or by itself. */
  readonly speaks: "tls" | "first";
}

export interface Answer {
  readonly id: number;
  readonly reply: GrpcReply;
}

const reachMs = 3_000;
const connections = new Map<string, ClientHttp2Session>();
let latest = 0;

function connection(authority: string, round: number): ClientHttp2Session {
  if (round !== latest) {
    for (const session of connections.values()) session.destroy();
    connections.clear();
    latest = round;
  }
  const known = connections.get(authority);
  if (known && !known.closed && !known.destroyed) return known;
  const session = connect(`http://${authority}`);
  session.on("error", () => {}); // its calls end with it
  connections.set(authority, session);
  return session;
}

/** A sidecar takes every connection: only what the server says tells that it was reached. */
function reach({ host, port, speaks }: Server): Promise<GrpcReply> {
  return new Promise((resolve) => {
    const socket =
      speaks === "tls"
        ? connectTls({ host, port, servername: host, rejectUnauthorized: false })
        : connectTcp({ host, port });
    const end = (outcome: string) => () => {
      resolve({ outcome });
      socket.destroy();
    };
    socket.once(speaks === "tls" ? "secureConnect" : "data", end("reached"));
    socket.once("error", end("no connection"));
    socket.once("close", end("no connection"));
    socket.setTimeout(reachMs, end("no answer in time"));
  });
}

async function answer(question: Question): Promise<GrpcReply> {
  try {
    if (question.kind === "reach") return await reach(question);
    return await callGrpc(connection(question.authority, question.round), question.call);
  } catch {
    return { outcome: "no connection" };
  }
}

process.on("message", async (question: Question) => {
  process.send!({ id: question.id, reply: await answer(question) } satisfies Answer);
});

const port = process.argv[2];
if (port !== undefined) {
  const server = createServer();
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    const headers = { ":status": 200, "content-type": "application/grpc", "grpc-status": "0" };
    stream.respond(headers, { endStream: true });
  });
  server.listen(Number(port), "0.0.0.0");
}
