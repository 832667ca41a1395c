import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { Code, createClient, type HandlerContext } from "@connectrpc/connect";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { TokenService } from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import {
  type Authentication,
  anonymous,
  type Caller,
  callerKey,
  createDoor,
  patientHeader,
  problemError,
  requestIdKey,
  serverInterceptors,
} from "@wellapi/rpc";
import { partialRoute } from "@wellapi/rpc/testing";
import { silentLogger } from "@wellapi/runtime";
import { describe, expect, onTestFinished, test } from "vitest";
import { openStallingRelay } from "../../../test/stalled/relay.ts";
import { type HttpRequest, openHttpServer, type Surface } from "../src/index.ts";
import { openTestSurface } from "../src/testing.ts";

/** Believes the key `good`, and is told by the token whom it was for. */
const authentication: Authentication = {
  recheckMs: 60_000,
  forget: () => {},
  async authenticate({ header }) {
    const shown = header.get("authorization") ?? header.get("x-api-key");
    if (shown === null) return { caller: { ...anonymous, workload: "gateway" } };
    if (shown === "Bearer good" || shown === "good") {
      const operator: Caller = {
        principal: { kind: "operator", id: "opr_1" },
        workload: "gateway",
        token: "t",
      };
      return { caller: operator };
    }
    throw problemError({ code: Code.Unauthenticated, reason: "CREDENTIAL_INVALID", message: "unknown" });
  },
};

interface Seen {
  readonly kind: string;
  readonly headers: readonly string[];
  readonly requestId: string;
}

/** A read of a patient, and what the service behind it saw. */
function patients(mount?: Surface["mount"]): {
  surface: Surface;
  seen: Seen[];
  routes: ReturnType<typeof partialRoute>[];
} {
  const seen: Seen[] = [];
  const surface: Surface = {
    name: "patients",
    paths: ["/patients/"],
    methods: ["GET", "POST"],
    bodies: { limit: 20, parsers: { "application/json": (bytes) => JSON.parse(bytes.toString()) } },
    mount:
      mount ??
      ((app, context) => {
        app.get<{ Params: { id: string } }>("/patients/:id", async (request) => {
          const client = createClient(PatientService, context.as(request));
          // What a careless surface might add does not make it another's call.
          const headers = { authorization: "Bearer good", "x-forwarded-client-cert": "URI=spiffe://x" };
          const { patient } = await client.getPatient({ patient: request.params.id }, { headers });
          return { id: patient?.id };
        });
        const config = { rpc: PatientService.method.getPatient };
        app.post("/patients/echo", { config }, async (request) => ({ body: request.body }));
      }),
  };
  const routes = [
    partialRoute(PatientService, {
      getPatient({ patient }, context) {
        seen.push({
          kind: context.values.get(callerKey).principal.kind,
          headers: [...context.requestHeader.keys()],
          requestId: context.values.get(requestIdKey),
        });
        if (patient === "none")
          throw problemError({ code: Code.NotFound, reason: "NOT_FOUND", message: "no" });
        if (patient === "bug") throw new TypeError("CANARY");
        context.responseHeader.set(patientHeader, "local/pat_1");
        return { patient: { id: patient } };
      },
    }),
  ];
  return { surface, seen, routes };
}

async function open(
  parts: ReturnType<typeof patients>,
  options: Partial<Parameters<typeof openTestSurface>[1]> = {},
): Promise<string> {
  const { surface, routes } = parts;
  const { url, close } = await openTestSurface(surface, { routes, authentication, ...options });
  onTestFinished(() => close());
  return url;
}

const good = { authorization: "Bearer good" };

describe("a call of a surface", () => {
  test("is made for whoever shows the credential, whatever the surface adds to it", async () => {
    const parts = patients();
    const url = await open(parts);
    const headers = { ...good, "x-request-id": "request-0001", "x-forwarded-client-cert": "URI=spiffe://x" };
    const answer = await fetch(`${url}/patients/pat_1`, { headers });
    expect(await answer.json()).toEqual({ id: "pat_1" });
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
    expect(answer.headers.get("vary")).toBe("authorization, cookie, dpop, x-api-key");
    expect(answer.headers.get("x-request-id")).toBe("request-0001");
    expect(answer.headers.has(patientHeader)).toBe(false);
    expect(parts.seen).toEqual([
      { kind: "operator", headers: ["authorization", "x-request-id"], requestId: "request-0001" },
    ]);
  });

  test("says whom its caller acts as: what the surface names, also before a body is read, else what the request says", async () => {
    const acting: (string | null)[] = [];
    const config = { rpc: PatientService.method.getPatient, actingAs: "account" };
    const { surface } = patients((app, context) => {
      const ask = (request: HttpRequest, actingAs?: string) =>
        createClient(PatientService, context.as(request, actingAs)).getPatient({ patient: "pat_1" });
      app.get("/patients/", async (request) => ask(request));
      app.get("/patients/named", async (request) => ask(request, "pat_2"));
      app.post("/patients/", { config }, async (request) => {
        await ask(request, "pat_2");
        await ask(request, "account");
      });
    });
    const routes = [
      partialRoute(PatientService, {
        getPatient(_request, { requestHeader }) {
          acting.push(requestHeader.get("wellapi-acting-as"));
          return { patient: { id: "pat_1" } };
        },
      }),
    ];
    const { url, close } = await openTestSurface(surface, { routes, authentication });
    onTestFinished(() => close());
    const headers = { ...good, "wellapi-acting-as": "org_1" };
    await fetch(`${url}/patients/`, { headers });
    await fetch(`${url}/patients/`, { headers: good });
    await fetch(`${url}/patients/named`, { headers });
    const json = { ...headers, "content-type": "application/json" };
    await fetch(`${url}/patients/`, { method: "POST", headers: json, body: "1" });
    expect(acting).toEqual(["org_1", null, "pat_2", "pat_2", "account"]);
  });

  test("is nobody's without a credential, and refused with a wrong one, before the service", async () => {
    const parts = patients();
    const url = await open(parts);
    const none = await fetch(`${url}/patients/pat_1`);
    expect(none.status).toBe(401);
    expect(none.headers.get("www-authenticate")).toBe("Bearer");
    expect(await none.json()).toMatchObject({ code: "unauthenticated", reason: "CREDENTIAL_REQUIRED" });
    const wrong = await fetch(`${url}/patients/pat_1`, { headers: { authorization: "Bearer bad" } });
    expect(wrong.status).toBe(401);
    expect(parts.seen).toEqual([]);
  });

  test("for anybody is nobody's, whatever credential the request shows", async () => {
    const parts = patients((app, context) => {
      app.get("/patients/any", async (request) => {
        const client = createClient(TokenService, context.asAnyone(request));
        return { jwks: (await client.getJwks({}, { headers: good })).jwks };
      });
    });
    const kinds: string[] = [];
    const getJwks = (_request: unknown, { values }: HandlerContext) => {
      kinds.push(values.get(callerKey).principal.kind);
      return { jwks: "{}" };
    };
    const url = await open({ ...parts, routes: [partialRoute(TokenService, { getJwks })] });
    for (const authorization of ["Bearer good", "Bearer bad"]) {
      const answer = await fetch(`${url}/patients/any`, { headers: { authorization } });
      expect([answer.status, answer.headers.has("x-request-id")]).toEqual([200, false]);
    }
    expect(kinds).toEqual(["anonymous", "anonymous"]);
  });

  test("is validated by the contract", async () => {
    const parts = patients();
    const url = await open(parts);
    const answer = await fetch(`${url}/patients/${"x".repeat(80)}`, { headers: good });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ reason: "INVALID_FIELD" });
    expect(parts.seen).toEqual([]);
  });

  test("that fails is told by its reason, and of what nobody meant for a caller nothing is told", async () => {
    const url = await open(patients());
    const none = await fetch(`${url}/patients/none`, { headers: good });
    expect([none.status, await none.json()]).toEqual([
      404,
      { code: "not_found", reason: "NOT_FOUND", message: "no" },
    ]);
    const bug = await fetch(`${url}/patients/bug`, { headers: good });
    expect([bug.status, await bug.json()]).toEqual([
      500,
      { code: "internal", reason: "INTERNAL", message: "internal error" },
    ]);
  });

  test("is held back at its last moment where something was taken away", async () => {
    let looks = 1; // the check of the interceptors; the next is before the write
    const answers = {
      begin: () => ({
        about: () => {},
        objection: () => (looks-- > 0 ? undefined : ("recalled" as const)),
        onObjection: () => () => {},
      }),
    };
    const url = await open(patients(), { answers });
    const answer = await fetch(`${url}/patients/pat_1`, { headers: good });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("1");
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({ reason: "CONSENT_CHANGED" });
    expect(text).not.toContain("pat_1");
  });

  test("breaks off in a streamed answer where something is taken away", async () => {
    let taken = false;
    const written = Promise.withResolvers<void>();
    const answers = {
      begin: () => ({
        about: () => {},
        objection: () => (taken ? ("recalled" as const) : undefined),
        onObjection: () => () => {},
      }),
    };
    const parts = patients((app, context) => {
      app.get("/patients/all", async (request, reply) => {
        await createClient(PatientService, context.as(request)).getPatient({ patient: "pat_1" });
        const rows = async function* () {
          yield "first\n";
          await written.promise;
          taken = true;
          yield "second\n";
        };
        return reply.type("text/plain").send(Readable.from(rows()));
      });
    });
    const url = await open(parts, { answers });
    const answer = await fetch(`${url}/patients/all`, { headers: good });
    const reader = answer.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe("first\n");
    written.resolve();
    await expect(reader.read()).rejects.toThrow();
  });

  test.each(["whole", "streamed"])(
    "is dropped where it waits for its reader when something is taken away (%s)",
    async (kind) => {
      const size = 20_000_000; // more than the kernels hold
      const listeners = new Set<() => void>();
      let recalled = false;
      const answers = {
        begin: () => ({
          about: () => {},
          objection: () => (recalled ? ("recalled" as const) : undefined),
          onObjection(listener: () => void) {
            listeners.add(listener);
            return () => listeners.delete(listener);
          },
        }),
      };
      const parts = patients((app, context) => {
        app.get("/patients/all", async (request, reply) => {
          await createClient(PatientService, context.as(request)).getPatient({ patient: "pat_1" });
          const rows = () => Readable.from(Array.from({ length: 20 }, () => Buffer.alloc(size / 20, "a")));
          reply.type("text/plain");
          return reply.send(kind === "whole" ? Buffer.alloc(size, "a") : rows());
        });
      });
      const url = await open(parts, { answers });
      const relay = await openStallingRelay(Number(new URL(url).port), { stallAfter: 1 });
      onTestFinished(() => relay.close());
      const read = fetch(`http://127.0.0.1:${relay.port}/patients/all`, { headers: good }).then((answer) =>
        answer.text(),
      );
      read.catch(() => {});
      await expect.poll(relay.stalled, { timeout: 15_000 }).toBe(true);
      await pause(500);
      expect(listeners.size).toBe(1);
      recalled = true;
      for (const listener of [...listeners]) listener();
      relay.resume();
      await expect(read).rejects.toThrow();
      expect(relay.ended()).toBe("reset");
      expect(relay.bytes()).toBeLessThan(size / 4);
      await expect.poll(() => listeners.size).toBe(0);
    },
  );

  test("ends where its caller goes away", async () => {
    const reached = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const { surface } = patients();
    const routes = [
      partialRoute(PatientService, {
        async getPatient(_request, { signal }) {
          signal.addEventListener("abort", () => ended.resolve());
          reached.resolve();
          await ended.promise;
          return {};
        },
      }),
    ];
    const url = await open({ surface, routes, seen: [] });
    const away = new AbortController();
    const answer = fetch(`${url}/patients/pat_1`, { headers: good, signal: away.signal });
    await reached.promise;
    away.abort();
    await expect(answer).rejects.toThrow();
    await ended.promise;
  });
});

describe("a surface takes", () => {
  const post = (url: string, body: string, type = "application/json") =>
    fetch(`${url}/patients/echo`, { method: "POST", body, headers: { ...good, "content-type": type } });

  test("the bodies that it names, up to its own limit, and no other", async () => {
    const url = await open(patients());
    expect(await (await post(url, '{"a":1}')).json()).toEqual({ body: { a: 1 } });
    const reasons: unknown[] = [];
    for (const [body, type] of [
      ['{"a":"aaaaaaaaaaaaaaaaaaaa"}', undefined],
      ['{"CANARY":', undefined],
      ["a", "text/plain"],
    ] as const) {
      const answer = await post(url, body, type);
      const text = await answer.text();
      expect(text).not.toContain("CANARY");
      reasons.push([answer.status, JSON.parse(text).reason]);
    }
    expect(reasons).toEqual([
      [413, "MESSAGE_TOO_LARGE"],
      [400, "MALFORMED_MESSAGE"],
      [415, "UNSUPPORTED_MEDIA_TYPE"],
    ]);
  });

  test("the headers that it names", async () => {
    const headersOf = (surface: Partial<Surface>) => {
      const parts = patients(
        (app) => void app.get("/patients/headers", async ({ headers }) => Object.keys(headers)),
      );
      return open({ ...parts, surface: { ...parts.surface, ...surface } }).then(async (url) => {
        const sent = { ...good, prefer: "return=minimal", "x-forwarded-client-cert": "x", traceparent: "y" };
        return (await (await fetch(`${url}/patients/headers`, { headers: sent })).json()) as string[];
      });
    };
    const usual = await headersOf({});
    expect(usual).toContain("authorization");
    expect(usual).not.toContain("prefer");
    const named = await headersOf({ requestHeaders: ["prefer"] });
    expect(named).toContain("prefer");
    for (const name of ["x-forwarded-client-cert", "traceparent", "connection", "host"])
      expect(named).not.toContain(name);
  });
});

describe("what a surface sets is its own:", () => {
  const page: Surface = {
    name: "page",
    paths: ["/page/"],
    methods: ["GET", "POST"],
    securityHeaders: { contentSecurityPolicy: { defaultSrc: ["'self'"], frameAncestors: ["'none'"] } },
    cors: "none",
    cacheControl: "public, max-age=5",
    bodies: { limit: 9, parsers: { "text/plain": (bytes) => bytes.toString() }, credential: "body" },
    shape: ({ problem }, request) => ({
      contentType: "text/plain; charset=utf-8",
      body: `${request.method} ${problem.reason}`,
      ...(problem.reason === "NOT_SIGNED_IN" && { location: "/page/sign-in" }),
    }),
    mount(app) {
      app.get("/page/", async () => "hello");
      app.get("/page/broken", async () => {
        throw new TypeError("CANARY");
      });
      app.get("/page/mine", async () => {
        throw problemError({ code: Code.Unauthenticated, reason: "NOT_SIGNED_IN", message: "sign in" });
      });
      app.post("/page/", { config: { rpc: TokenService.method.getJwks } }, async ({ body }) => body);
    },
  };

  async function both(more: Partial<Surface> = {}) {
    const parts = patients();
    const door = createDoor({
      routes: [...parts.routes, partialRoute(TokenService, {})],
      interceptors: serverInterceptors({ log: silentLogger, authentication }),
    });
    const server = await openHttpServer({
      host: "127.0.0.1",
      port: 0,
      portSetting: "WELLAPI_HTTP_PORT",
      corsOrigins: ["https://app.example"],
      surfaces: [
        { surface: page, door },
        { surface: { ...parts.surface, ...more }, door },
      ],
      log: silentLogger,
    });
    onTestFinished(() => server.close());
    return `http://localhost:${server.port}`;
  }

  test("security headers, also where it has no route", async () => {
    const url = await both();
    for (const path of ["/page/", "/page/nothing"]) {
      const answer = await fetch(url + path);
      expect(answer.headers.get("content-security-policy")).toBe("default-src 'self';frame-ancestors 'none'");
    }
    for (const path of ["/patients/nothing/at/all", "/nothing"]) {
      const answer = await fetch(url + path);
      expect(answer.headers.get("content-security-policy")).toBe("default-src 'none';frame-ancestors 'none'");
      expect(await answer.json()).toMatchObject({ reason: "NOT_FOUND" });
    }
  });

  test("which pages of other origins may read it", async () => {
    const url = await both();
    const preflight = (path: string) =>
      fetch(url + path, {
        method: "OPTIONS",
        headers: { origin: "https://app.example", "access-control-request-method": "GET" },
      });
    const read = (path: string) => fetch(url + path, { headers: { origin: "https://app.example" } });
    expect((await preflight("/patients/x")).headers.get("access-control-allow-origin")).toBe(
      "https://app.example",
    );
    expect((await preflight("/page/")).headers.get("access-control-allow-origin")).toBeNull();
    expect((await read("/page/")).headers.get("access-control-allow-origin")).toBeNull();
  });

  test("which of its methods and headers pages of other origins may use, never a cookie", async () => {
    const url = await both({
      methods: ["GET", "POST", "DELETE"],
      requestHeaders: ["cookie", "x-purpose"],
      exposedHeaders: ["x-told"],
    });
    const origin = "https://app.example";
    const asked = { origin, "access-control-request-method": "DELETE" };
    const { headers } = await fetch(`${url}/patients/x`, { method: "OPTIONS", headers: asked });
    const listed = (name: string) => headers.get(name)!.split(/, ?/);
    expect(listed("access-control-allow-methods")).toContain("DELETE");
    expect(listed("access-control-allow-headers")).toEqual(
      expect.arrayContaining(["x-purpose", "if-match", "authorization"]),
    );
    expect(headers.get("access-control-allow-credentials")).toBeNull();
    const read = await fetch(`${url}/patients/x`, { headers: { origin } });
    expect(read.headers.get("access-control-expose-headers")).toContain("x-told");
  });

  test("cache rules, parsers and the shape of errors", async () => {
    const url = await both();
    expect((await fetch(`${url}/page/`)).headers.get("cache-control")).toBe("public, max-age=5");
    const broken = await fetch(`${url}/page/broken`);
    expect([broken.status, await broken.text()]).toEqual([500, "GET INTERNAL"]);
    expect(broken.headers.get("cache-control")).toBe("no-store");
    const mine = await fetch(`${url}/page/mine`, { redirect: "manual" });
    expect([mine.status, mine.headers.get("location")]).toEqual([303, "/page/sign-in"]);
    expect(mine.headers.get("cache-control")).toBe("no-store");
    const send = (path: string) =>
      fetch(url + path, {
        method: "POST",
        body: "plain",
        headers: { ...good, "content-type": "text/plain" },
      });
    expect(await (await send("/page/")).text()).toBe("plain");
    expect((await send("/patients/echo")).status).toBe(415);
  });
});

describe("a start is refused", () => {
  const start = (...surfaces: Surface[]) =>
    openHttpServer({
      host: "127.0.0.1",
      port: 0,
      portSetting: "WELLAPI_HTTP_PORT",
      corsOrigins: [],
      surfaces: surfaces.map((surface) => ({ surface })),
      log: silentLogger,
    }).then((server) => server.close());
  const of = (mount: Surface["mount"], other: Partial<Surface> = {}): Surface => ({
    name: "a",
    paths: ["/a/"],
    methods: ["GET"],
    mount,
    ...other,
  });

  test("with a route outside of the surface's paths or methods", async () => {
    await expect(start(of((app) => void app.get("/b/", async () => "")))).rejects.toThrow(
      /no route GET \/b\//,
    );
    await expect(start(of((app) => void app.get("/*", async () => "")))).rejects.toThrow(/no route GET \/\*/);
    await expect(start(of((app) => void app.post("/a/", async () => "")))).rejects.toThrow(/no route POST/);
  });

  test("with two surfaces of one path", async () => {
    await expect(
      start(
        of(() => {}),
        of(() => {}, { name: "b" }),
      ),
    ).rejects.toThrow("/a/ belongs to two surfaces");
  });
});

test("an answer that is written past the server does not leave, and no other way out of it is there", async () => {
  const parts = patients((app) => {
    app.get("/patients/past", async (_request, reply) => {
      reply.hijack();
      reply.raw.end("CANARY");
    });
  });
  const url = await open(parts);
  const answer = await fetch(`${url}/patients/past`, { headers: good });
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toContain("CANARY");
});

test("a surface that writes its answers itself has no transport", async () => {
  const parts = patients((app, context) => {
    app.get("/patients/raw", async (request) => {
      context.as(request);
      return "reached";
    });
  });
  const surface: Surface = { ...parts.surface, bodies: "unread" };
  await expect(open({ ...parts, surface })).rejects.toThrow(/can't have a door/);
  const url = await open({ ...parts, surface }, { server: { surfaces: [{ surface }] } });
  expect((await fetch(`${url}/patients/raw`, { headers: good })).status).toBe(500);
});
