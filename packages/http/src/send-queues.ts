import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { endianness } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import ipaddr from "ipaddr.js";

/**
 * What the kernel holds of connections until their peers have acknowledged it. Node's own count ends where the kernel takes
 * bytes, and that takes up to 4 MiB a connection (Linux, tcp_wmem).
 */
export interface SendQueues {
  /**
   * Bytes, at an instant after the call; undefined where the system does not tell (it is not Linux), or not cheaply. Those who
   * ask meanwhile share one look.
   */
  of(connection: Socket): Promise<number | undefined>;
}

/** Bytes by connection, of those that hold any. */
type Queues = ReadonlyMap<string, number>;

const tables = { IPv4: "/proc/net/tcp", IPv6: "/proc/net/tcp6" } as const;
/** After a look at a table, it rests for so many times the look's time on the processor: some 2 ms, and 1 for 1,000 connections. */
const restsToLooks = 10;
/**
 * The kernel writes a line for each connection of the machine. Where that takes so long twice in a row, no one asks again soon:
 * once it may be a busy machine, whose virtual processor counts the time that it was not given.
 */
const longLookMs = 15;
const avoidLongLookMs = 10_000;
/** Connection, state, bytes to send (Documentation/networking/proc_net_tcp.rst of Linux). */
const line = /^ *\d+: (\S+ \S+) [0-9A-F]{2} ([0-9A-F]{8}):/gm;

export function createSendQueues(): SendQueues {
  const looks = { IPv4: createLooks(tables.IPv4), IPv6: createLooks(tables.IPv6) };
  return {
    async of({ localAddress, localPort, remoteAddress, remotePort, remoteFamily }) {
      // It is closed, or no TCP. Node remembers each end only if it was asked before.
      if (localAddress === undefined || remoteAddress === undefined) return undefined;
      if (remoteFamily !== "IPv4" && remoteFamily !== "IPv6") return undefined;
      const key = `${kernelName(localAddress, localPort!)} ${kernelName(remoteAddress, remotePort!)}`;
      const queues = await looks[remoteFamily]();
      return queues && (queues.get(key) ?? 0);
    },
  };
}

/** Looks at a table, for all who have asked since the look before began. */
function createLooks(path: string): () => Promise<Queues | undefined> {
  let next: Promise<Queues | undefined> | undefined;
  let restUntil = 0;
  let avoidUntil = 0;
  let wasLong = false;

  async function look(): Promise<Queues | undefined> {
    await pause(Math.max(0, restUntil - performance.now()));
    next = undefined;
    if (performance.now() < avoidUntil) return undefined;
    const before = process.threadCpuUsage();
    const queues = queuesIn(path);
    const { user, system } = process.threadCpuUsage(before);
    const tookMs = (user + system) / 1_000;
    restUntil = performance.now() + restsToLooks * tookMs;
    const isLong = tookMs > longLookMs;
    if (isLong && wasLong) avoidUntil = performance.now() + avoidLongLookMs;
    wasLong = isLong;
    return queues;
  }

  return () => {
    next ??= look();
    return next;
  };
}

/** The kernel hands it out 4 KB at a time: in turns with a busy process, that would take seconds. */
function queuesIn(path: string): Queues | undefined {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
  const queues = new Map<string, number>();
  for (const [, connection, bytes] of text.matchAll(line)) {
    if (bytes !== "00000000") queues.set(connection!, Number.parseInt(bytes!, 16));
  }
  return queues;
}

/** An address as the kernel writes it: words of 32 bits in the processor's order of bytes, and the port. */
function kernelName(address: string, port: number): string {
  const bytes = Buffer.from(ipaddr.parse(address).toByteArray());
  if (endianness() === "LE") bytes.swap32();
  return `${bytes.toString("hex")}:${port.toString(16).padStart(4, "0")}`.toUpperCase();
}
