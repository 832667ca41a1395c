import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

export interface Connection {
  readonly key: string;
  readonly socket: Socket;
  /** Undefined where the address is a proxy's, or unknown: nothing is counted by it. */
  readonly address: string | undefined;
  /** Whose answers are not written yet. */
  readonly requests: Set<IncomingMessage>;
}

/** The open connections of a server, those that were served longest ago first. */
export interface OpenConnections {
  /** Of the socket that a request came by; with TLS it is not the one that was accepted. */
  of(socket: Socket): Connection | undefined;
  add(socket: Socket, address: string | undefined): void;
  remove(connection: Connection): void;
  /** It has been served: it is the last one to be ended for others now. */
  served(connection: Connection): void;
  /** How many are open, of an address or of all. */
  count(address?: string): number;
  /** The one that has kept the server waiting longest, of an address or of all. */
  longestWaiting(address?: string): Connection | undefined;
}

export function createOpenConnections(): OpenConnections {
  const all = new Map<string, Connection>();
  const byAddress = new Map<string, Map<string, Connection>>();

  function remove({ key, address }: Connection): void {
    all.delete(key);
    const own = byAddress.get(address ?? "");
    own?.delete(key);
    if (own?.size === 0) byAddress.delete(address ?? "");
  }

  function insert(connection: Connection): void {
    const { key, address } = connection;
    all.set(key, connection);
    if (address === undefined) return;
    const own = byAddress.get(address) ?? new Map<string, Connection>();
    byAddress.set(address, own.set(key, connection));
  }

  const isOpen = (connection: Connection): boolean => all.get(connection.key) === connection;
  const choose = (address: string | undefined) => (address === undefined ? all : byAddress.get(address));

  return {
    of(socket) {
      const key = keyOf(socket);
      return key === undefined ? undefined : all.get(key);
    },
    add(socket, address) {
      const key = keyOf(socket);
      if (key === undefined) return; // It has closed already.
      const connection: Connection = { key, socket, address, requests: new Set() };
      insert(connection);
      socket.once("close", () => {
        if (isOpen(connection)) remove(connection);
      });
    },
    remove(connection) {
      if (isOpen(connection)) remove(connection);
    },
    served(connection) {
      if (!isOpen(connection)) return;
      remove(connection);
      insert(connection);
    },
    count: (address) => choose(address)?.size ?? 0,
    longestWaiting(address) {
      for (const connection of choose(address)?.values() ?? []) {
        if (keepsWaiting(connection)) return connection;
      }
      return undefined;
    },
  };
}

/** Whether the next step is the client's: no request, or one that has not arrived whole. */
function keepsWaiting({ requests }: Connection): boolean {
  for (const { complete } of requests) if (complete) return false;
  return true;
}

function keyOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remotePort === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}
