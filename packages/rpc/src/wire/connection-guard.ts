import {
  constants,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from "node:http2";
import type { Logger } from "@wellapi/runtime";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { peerCertificateOfSession } from "../caller/peer-certificate.ts";

/** What a connection from outside may do (decision 0036). An honest client is far below each. */
export interface ConnectionLimits {
  /** Bytes a window that belong to no call: pings, settings, window updates, priorities, headers that are refused. */
  readonly idleBytes: number;
  /** Open connections of one certificate. */
  readonly connectionsPerCertificate: number;
  /** Calls that did not end well, in ten seconds and on connections that broke HTTP/2, from which on it is a flood of resets. */
  readonly unfinishedCalls: number;
  /** After a flood, this long each new connection of its certificate is refused. */
  readonly barredSeconds: number;
}

export const usualLimits: ConnectionLimits = {
  idleBytes: 524_288,
  connectionsPerCertificate: 256,
  unfinishedCalls: 150,
  barredSeconds: 30,
};

const headerListBytes = 16_384;

/** For connections from outside. */
export function doorSettings(concurrentStreams: number): ServerOptions {
  return {
    // grpc-js ignores `grpc.max_metadata_size`. Node refuses what is larger by a reset of the stream.
    settings: { maxConcurrentStreams: concurrentStreams, maxHeaderListSize: headerListBytes },
    // They hold before a client has acknowledged the settings, too.
    maxHeaderListPairs: 64,
    maxSettings: 16,
    // Megabytes; beyond, Node takes no new stream of the connection. grpc-js sets no limit.
    maxSessionMemory: 64,
    // nghttp2 ends the connection beyond. A client that cancels all its streams at once twice does not come here.
    streamResetBurst: 2 * concurrentStreams,
    streamResetRate: 20,
    // Streams beyond the limit, from a connection's beginning: cancelling at the limit and opening anew may refuse a few.
    maxSessionRejectedStreams: 1_000,
  };
}

/**
 * For connections inside the mesh. One carries the calls of many callers, who may cancel them: nghttp2's usual limit of
 * resets, 33 a second, would end it for all.
 */
export function peerSettings(concurrentStreams: number): ServerOptions {
  return {
    settings: { maxConcurrentStreams: concurrentStreams },
    streamResetBurst: 100_000,
    streamResetRate: 10_000,
    maxSessionRejectedStreams: 100_000,
  };
}

/** Weighs what an address did like so many new connections, of which it has a bounded number (packages/limits). */
export interface AddressBound {
  weigh(address: string, connections: number): void;
}

/** A connection that comes back while its certificate is refused, or breaks HTTP/2, costs a handshake for nothing, and its address so many. */
const wastedWeight = 20;
/** nghttp2 ends a connection before most of its streams are seen here: each that breaks HTTP/2 counts as so many calls at least. */
const leastUnfinished = 15;
/** A second flood from one address may be an honest one's mistake behind the same NAT; a fifth in ten seconds is none. */
const floodWeight = 200;

/** As long as HTTP/2 keeps for a stream's body that is not read: the window that Node gives. */
const windowBytes = 65_535;
const limitWindowSeconds = 10;
const sampleMs = 250;
/** A client that reads much sends window updates and pings for it: a byte for so many that it is sent. */
const sentBytesAByte = 16;
/** How long a connection goes on whose credential is refused: its other calls end meanwhile. */
const refusedMs = 5_000;
const unauthenticated = "16";

interface Connection {
  readonly id: string;
  readonly session: ServerHttp2Session;
  readonly certificate: string;
  readonly address: string | undefined;
  openStreams: number;
  /** Calls that ended without a reset are taken off. */
  unfinishedCalls: number;
  /** Bytes that calls account for and that the last samples did not see. */
  credit: number;
  read: number;
  written: number;
}

/**
 * Ends connections that keep the server busy below the calls, where no budget of a caller counts: HTTP/2's floods. Their
 * certificate is refused for a while. Also ends a connection after a call whose credential is refused: the certificate is the
 * connection's, so each later call would be refused, too.
 */
export function guardConnections(
  server: Http2Server,
  log: Logger,
  limits: ConnectionLimits = usualLimits,
  addresses?: AddressBound,
): void {
  const connections = new Map<ServerHttp2Session, Connection>();
  const open = new Map<string, number>();
  const idle = new RateLimiterMemory({
    points: limits.idleBytes,
    duration: limitWindowSeconds,
    keyPrefix: "",
  });
  const unfinished = new RateLimiterMemory({
    points: limits.unfinishedCalls,
    duration: limitWindowSeconds,
    keyPrefix: "",
  });
  const barred = new RateLimiterMemory({ points: 1, duration: limits.barredSeconds, keyPrefix: "" });
  let connected = 0;

  const end = ({ session, certificate, address }: Connection, reason: string): void => {
    refuse(session);
    void barred.block(certificate, limits.barredSeconds);
    if (address !== undefined) addresses?.weigh(address, floodWeight);
    const delay_ms = limits.barredSeconds * 1_000;
    log.warn(
      { caller_address: address, delay_ms },
      `a connection was ended, and its certificate is refused: ${reason}`,
    );
  };

  const wasted = ({ address }: Connection): void => {
    if (address !== undefined) addresses?.weigh(address, wastedWeight);
  };

  server.on("session", (session: ServerHttp2Session) => {
    const connection = connectionOf(session, `${connected++}`);
    const { certificate } = connection;
    const count = (open.get(certificate) ?? 0) + 1;
    open.set(certificate, count);
    connections.set(session, connection);
    session.once("close", () => {
      connections.delete(session);
      void idle.delete(connection.id);
      const left = (open.get(certificate) ?? 1) - 1;
      if (left === 0) open.delete(certificate);
      else open.set(certificate, left);
    });
    session.on("error", (error: NodeJS.ErrnoException) => {
      // nghttp2 has ended the connection. Honest clients were seen to break the protocol as they leave: only what is a
      // flood bars the certificate.
      const breach = breachOf(error);
      if (breach === "flood") end(connection, tooManyFrames);
      if (breach !== "protocol") return;
      unfinished.consume(certificate, Math.max(connection.unfinishedCalls, leastUnfinished)).then(
        () => wasted(connection),
        () => end(connection, tooManyFrames),
      );
    });
    if (count > limits.connectionsPerCertificate) refuse(session);
    else
      void barred.get(certificate).then((bar) => {
        if (bar === null) return;
        refuse(session);
        wasted(connection);
      });
  });

  server.prependListener("stream", (stream, _headers, _flags, rawHeaders) => {
    const connection = connections.get(stream.session as ServerHttp2Session);
    if (connection !== undefined) follow(connection, stream, rawHeaders);
  });

  const timer = setInterval(() => {
    for (const connection of connections.values()) {
      const bytes = idleBytesOf(connection);
      if (bytes <= 0) continue;
      idle.consume(connection.id, bytes).catch(() => {
        if (connections.has(connection.session)) end(connection, "it sends more than its calls account for");
      });
    }
  }, sampleMs).unref();
  server.once("close", () => clearInterval(timer));
}

function connectionOf(session: ServerHttp2Session, id: string): Connection {
  return {
    id,
    session,
    certificate: peerCertificateOfSession(session)?.fingerprint256 ?? "",
    address: session.socket.remoteAddress,
    openStreams: 0,
    unfinishedCalls: 0,
    credit: 0,
    read: 0,
    written: 0,
  };
}

const tooManyFrames = "its frames break HTTP/2's limits";

/** By nghttp2's codes: too many frames of a kind, too many CONTINUATION frames; too many resets are a mere protocol error. */
function breachOf({ code, errno }: NodeJS.ErrnoException): "flood" | "protocol" | undefined {
  if (code !== "ERR_HTTP2_ERROR") return undefined;
  if (errno === -904 || errno === -905) return "flood";
  return errno === -505 ? "protocol" : undefined;
}

/** Ends the connection now. It says so (GOAWAY). */
function refuse(session: ServerHttp2Session): void {
  // Without an error Node takes no code.
  if (!session.destroyed)
    session.destroy(new Error("the connection is refused"), constants.NGHTTP2_ENHANCE_YOUR_CALM);
}

/** Counts what the call accounts for, and looks at its end. */
function follow(connection: Connection, stream: ServerHttp2Stream, rawHeaders: readonly string[]): void {
  connection.openStreams += 1;
  connection.unfinishedCalls += 1;
  const headerBytes = rawHeaders.reduce((sum, text) => sum + text.length + 4, 16);
  connection.credit += windowBytes;
  // Node knows the limit once the client has acknowledged the settings, and an attacker does not.
  if (headerBytes > headerListBytes + 4_096) setImmediate(() => refuse(connection.session));
  // grpc-js pauses the stream in the same turn, and reads it when a handler does.
  stream.on("data", (chunk: Buffer) => {
    connection.credit += chunk.length + 9;
  });
  stream.once("close", () => {
    connection.openStreams -= 1;
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR) connection.unfinishedCalls -= 1;
    const status = (stream.sentTrailers ?? stream.sentHeaders)?.["grpc-status"];
    if (String(status) === unauthenticated) endRefused(connection.session);
  });
}

/** Takes no new calls (GOAWAY), and ends when the last answer is sent. */
function endRefused(session: ServerHttp2Session): void {
  if (session.closed || session.destroyed) return;
  session.close();
  const timer = setTimeout(() => session.destroy(), refusedMs).unref();
  session.once("close", () => clearTimeout(timer));
}

/** Bytes since the last sample that no call accounts for. */
function idleBytesOf(connection: Connection): number {
  const { socket, destroyed } = connection.session;
  if (destroyed || socket === undefined) return 0;
  const read = socket.bytesRead - connection.read;
  const written = socket.bytesWritten - connection.written;
  connection.read += read;
  connection.written += written;
  const left = connection.credit + Math.floor(written / sentBytesAByte) - read;
  // What remains is for bodies that are on their way; it may not be saved for a flood.
  connection.credit = Math.min(Math.max(left, 0), connection.openStreams * windowBytes);
  return -left;
}
