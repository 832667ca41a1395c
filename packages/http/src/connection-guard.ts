import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { addressGroup, createOpens } from "@wellapi/limits";
import type { Logger } from "@wellapi/runtime";
import { createOpenConnections } from "./open-connections.ts";

/** What connections may do before any call is known (decision 0036). An honest client is far below each. */
export interface ConnectionLimits {
  /** Open connections of an address (IPv6: of its /64). */
  readonly perAddress: number;
  /** Open connections of all. */
  readonly total: number;
  /** What an address may open in ten seconds. What is refused or too slow weighs on it, too: see `weights`. */
  readonly opens: number;
  /** Requests of a connection that are answered at a time. No known client sends a request before the last answer. */
  readonly requestsAtOnce: number;
}

export const usualLimits: ConnectionLimits = {
  perAddress: 1_000,
  total: 10_000,
  opens: 2_000,
  requestsAtOnce: 32,
};

/** As many opened connections as something else weighs. */
const weights = {
  /** A request that was refused before it was a call: no budget counts it. */
  refusal: 1,
  /** A connection that was ended because its client sent too slowly, or no HTTP. */
  fault: 20,
} as const;

export interface ConnectionGuard {
  /** A request of this connection was refused before it was a call. */
  refused(socket: Socket): void;
  /** The client sent what is no request, or not in time: its connection ends. */
  failed(socket: Socket): void;
}

/**
 * Bounds the connections of a server below its calls, where no budget of a caller counts. A new connection beyond a limit
 * takes the place of the one that has kept the server waiting longest; where none does, it is reset itself. An address that opens
 * too many in ten seconds is refused until they are over, before its TLS begins.
 */
export function guardConnections(
  server: Server,
  options: { readonly limits: ConnectionLimits; readonly addressesKnown: boolean; readonly log: Logger },
): ConnectionGuard {
  const { limits, addressesKnown, log } = options;
  const opens = createOpens({ perWindow: limits.opens, log });
  const connections = createOpenConnections();
  let toldMs = Number.NEGATIVE_INFINITY;

  function weigh(address: string | undefined, units: number): void {
    if (address !== undefined) opens.weigh(address, units);
  }

  /** True where a place is free, or was made. */
  function makeRoom(address: string | undefined, most: number): boolean {
    if (connections.count(address) < most) return true;
    const waiting = connections.longestWaiting(address);
    if (waiting === undefined) return false;
    connections.remove(waiting);
    waiting.socket.resetAndDestroy();
    return true;
  }

  function tellFull({ remoteAddress }: Socket): void {
    const now = performance.now();
    if (now - toldMs < toldEveryMs) return;
    toldMs = now;
    log.warn({ ...(remoteAddress !== undefined && { caller_address: remoteAddress }) }, tooManyOpen);
  }

  function enter(socket: Socket): void {
    const address = addressesKnown ? addressGroup(socket.remoteAddress ?? "") : undefined;
    const room =
      (address === undefined || makeRoom(address, limits.perAddress)) && makeRoom(undefined, limits.total);
    if (!room) {
      tellFull(socket);
      // Others listen for the connection, too, and would take it up.
      process.nextTick(() => socket.resetAndDestroy());
      return;
    }
    connections.add(socket, address);
    if (address !== undefined) opens.enter(socket);
  }

  server.prependListener("connection", enter);
  server.prependListener("request", (request: IncomingMessage, answer: ServerResponse) => {
    const connection = connections.of(request.socket);
    if (connection === undefined) return;
    const { requests, address, socket } = connection;
    requests.add(request);
    answer.once("close", () => {
      requests.delete(request);
      if (requests.size === 0) connections.served(connection);
    });
    if (requests.size <= limits.requestsAtOnce) return;
    weigh(address, weights.fault);
    socket.resetAndDestroy();
  });

  return {
    refused: (socket) => weigh(connections.of(socket)?.address, weights.refusal),
    failed: (socket) => weigh(connections.of(socket)?.address, weights.fault),
  };
}

const toldEveryMs = 10_000;
const tooManyOpen =
  "there are more connections than there may be, and all have requests under way: new ones are reset";
