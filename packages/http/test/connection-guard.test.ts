import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { type Logger, silentLogger } from "@wellapi/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createAuthority } from "../../rpc/test/certificates.ts";
import type { HttpServerOptions, Surface } from "../src/index.ts";
import { openTestSurface } from "../src/testing.ts";

/** `/held/` answers when the test says so, `/now/` at once. */
let release: (() => void)[] = [];
const surface: Surface = {
  name: "held",
  paths: ["/held/", "/now/", "/upload/"],
  methods: ["GET", "POST"],
  bodies: "unread",
  mount(app) {
    app.get("/now/", async () => "now");
    app.get("/held/", () => new Promise((resolve) => release.push(() => resolve("held"))));
    app.post("/upload/", async ({ raw }) => {
      await Array.fromAsync(raw);
      return "all of it";
    });
  },
};

let closers: (() => unknown)[] = [];
let lines: Record<string, unknown>[] = [];
beforeEach(() => {
  release = [];
  closers = [];
  lines = [];
});
afterEach(async () => {
  for (const go of release) go();
  for (const close of closers.reverse()) await close();
});

async function open(
  connections: HttpServerOptions["connections"] = {},
  more: Partial<HttpServerOptions> = {},
): Promise<number> {
  const log: Logger = { ...silentLogger, warn: (fields: unknown) => void lines.push(fields as never) };
  const server = await openTestSurface(surface, {
    routes: [],
    log,
    server: { surfaces: [{ surface }], connections, ...more },
  });
  closers.push(() => server.close());
  return server.port;
}

/** Opens a connection and writes. Resolves when it is open, or was refused; `ended` resolves when it is over. */
async function dial(port: number, bytes = "", localAddress = "127.0.0.1") {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  closers.push(() => socket.destroy());
  const ended = new Promise<string>((resolve) => {
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", () => {}); // A reset is the outcome that is looked for.
    socket.on("close", () => resolve(text));
  });
  await Promise.race([once(socket, "connect").catch(() => ended), ended]);
  if (!socket.destroyed && bytes !== "") socket.write(bytes);
  return { socket, ended };
}

const head = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`;
const isOpen = ({ socket }: { readonly socket: Socket }) => !socket.destroyed;

/** Status of one request on a connection of its own. */
async function get(port: number, localAddress: string, path = "/now/"): Promise<number> {
  const sent = request({
    port,
    host: "127.0.0.1",
    localAddress,
    path,
    agent: new Agent({ keepAlive: false }),
  });
  sent.end();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  answer.resume();
  await once(answer, "end");
  return answer.statusCode!;
}

/** Whether one more connection of the first address is. */
const isServed = (port: number): Promise<boolean> =>
  get(port, "127.0.0.1").then(
    () => true,
    ({ message }) => {
      expect(message).toMatch(/ECONNRESET|socket hang up/);
      return false;
    },
  );

test("2,000 connections of one address whose headers never end keep neither a neighbour out, nor others behind it", {
  timeout: 60_000,
}, async () => {
  const port = await open();
  const slow: Awaited<ReturnType<typeof dial>>[] = [];
  for (let i = 0; i < 1_900; i++) slow.push(await dial(port, "GET /now/ HTTP/1.1\r\nx-slow: "));
  expect(await get(port, "127.0.0.2")).toBe(200);
  expect(await get(port, "127.0.0.1")).toBe(200);
  expect(slow.filter(isOpen).length).toBeGreaterThan(0); // neither was kept waiting for the end of these
  await expect.poll(() => slow.filter(isOpen).length).toBeLessThanOrEqual(1_000);
  // It cannot open more for the rest of the ten seconds; others can. On a machine that took ten seconds already, new ones have begun.
  while (await isServed(port)) {
    expect(slow.length).toBeLessThan(6_000);
    for (let i = 0; i < 100; i++) slow.push(await dial(port, "GET /now/ HTTP/1.1\r\nx-slow: "));
  }
  expect(await get(port, "127.0.0.2")).toBe(200);
  expect(lines).toEqual([{ limit: 2_000, caller_address: "127.0.0.1", retry_after_ms: expect.any(Number) }]);
});

test("headers that do not end are refused after ten seconds, and soon after", {
  timeout: 30_000,
}, async () => {
  const port = await open();
  const [silent, slow] = [await dial(port), await dial(port, "GET /now/ HTTP/1.1\r\nx-slow: ")];
  for (const { ended } of [silent, slow]) expect(await ended).toContain("REQUEST_TOO_SLOW");
});

test("beyond its connections an address loses the one that waits longest, and none whose request is answered", async () => {
  const port = await open({ perAddress: 4 });
  const busy = await dial(port, head("/held/"));
  await expect.poll(() => release.length).toBe(1);
  const uploading = await dial(port, "POST /upload/ HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nslow");
  const idle = await dial(port);
  const silent = await dial(port);
  idle.socket.write(head("/now/")); // It is the older one, and was served since.
  await once(idle.socket, "data");
  expect([busy, uploading, idle, silent].filter(isOpen)).toHaveLength(4);

  expect(await get(port, "127.0.0.1")).toBe(200);
  await uploading.ended;
  expect([busy, idle, silent].filter(isOpen)).toHaveLength(3);
  expect(await get(port, "127.0.0.1")).toBe(200); // Its place was free: the one before has closed.
  const [more, evenMore] = [await dial(port), await dial(port)];
  await silent.ended;
  expect([busy, idle, more, evenMore].filter(isOpen)).toHaveLength(4);
  release.pop()!();
  expect((await once(busy.socket, "data")).toString()).toContain("held");
});

test("where all have requests under way the new one is reset", async () => {
  const port = await open({ total: 2 });
  const busy = [await dial(port, head("/held/")), await dial(port, head("/held/"))];
  await expect.poll(() => release.length).toBe(2);
  await expect(get(port, "127.0.0.2")).rejects.toThrow(/ECONNRESET|socket hang up/);
  expect(busy.filter(isOpen)).toHaveLength(2);
});

test("requests that do not wait for the answers before them end the connection", async () => {
  const port = await open({ requestsAtOnce: 3 });
  const few = await dial(port, head("/held/").repeat(3));
  await expect.poll(() => release.length).toBe(3);
  expect(isOpen(few)).toBe(true);
  const many = await dial(port, head("/held/").repeat(4));
  expect(await many.ended).toBe("");
  // One after another there may be any number.
  const patient = await dial(port);
  for (let i = 0; i < 10; i++) {
    patient.socket.write(head("/now/"));
    await once(patient.socket, "data");
  }
  expect(isOpen(patient)).toBe(true);
});

test("what is refused before it is a call weighs on its address like a connection", async () => {
  const port = await open({ opens: 10 });
  const one = await dial(port);
  const ask = async () => {
    one.socket.write(head("/nowhere"));
    return String(await once(one.socket, "data"));
  };
  for (let i = 0; i < 9; i++) expect(await ask()).toContain("404");
  // The next ones still fit: a connection that is open is served.
  expect(await ask()).toContain("404");
  await expect(get(port, "127.0.0.1")).rejects.toThrow(/ECONNRESET|socket hang up/);
  expect(await get(port, "127.0.0.2")).toBe(200);
});

test("bytes that are no request weigh like twenty connections", async () => {
  const port = await open({ opens: 20 });
  expect(await (await dial(port, "nonsense\r\n\r\n")).ended).toContain("MALFORMED_REQUEST");
  await expect(get(port, "127.0.0.1")).rejects.toThrow(/ECONNRESET|socket hang up/);
});

test("behind a proxy all callers have its address: nothing is counted by it", async () => {
  const port = await open({ opens: 3, perAddress: 2 }, { trustedProxies: 1 });
  for (let i = 0; i < 10; i++) expect(await get(port, "127.0.0.1")).toBe(200);
  expect(await (await dial(port, "nonsense\r\n\r\n")).ended).toContain("MALFORMED_REQUEST");
  expect(await get(port, "127.0.0.1")).toBe(200);
});

test("inside a mesh all requests come from the gateway: nothing is counted by its address", async () => {
  const peer = { workload: "gateway", identity: () => "gateway" };
  const port = await open({ opens: 3, perAddress: 2 }, { peer });
  for (let i = 0; i < 10; i++) expect(await get(port, "127.0.0.1")).toBe(200);
});

test("with TLS the same holds: by the handshake for who opens too many, by the requests for who waits", async () => {
  const authority = await createAuthority("ours");
  const port = await open(
    { opens: 4, requestsAtOnce: 2 },
    { edgeTls: await authority.issue({ name: "gateway" }) },
  );
  const dialTls = async (bytes: string): Promise<string> => {
    const socket = connectTls({
      port,
      host: "127.0.0.1",
      ca: authority.certificate,
      checkServerIdentity: () => undefined,
    });
    closers.push(() => socket.destroy());
    await once(socket, "secureConnect");
    socket.write(bytes);
    const [first] = await Promise.race([once(socket, "data"), once(socket, "close").then(() => ["ended"])]);
    return String(first);
  };
  expect(await dialTls(head("/now/"))).toContain("200 OK");
  expect(await dialTls(head("/now/").repeat(2))).toContain("200 OK");
  await expect(dialTls(head("/held/").repeat(3))).rejects.toThrow("ECONNRESET");
  await expect(dialTls(head("/now/"))).rejects.toThrow(/ECONNRESET|disconnected before secure/);
});
