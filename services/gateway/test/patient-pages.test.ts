import { brotliCompressSync, gzipSync } from "node:zlib";
import { openTestSurface } from "@wellapi/http/testing";
import type { Site } from "@wellapi/patient-web";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPatientPagesSurface } from "../src/patient-pages-surface.ts";

const script = Buffer.from("export const answer = 42;\n".repeat(20));
const file = {
  contentType: "text/javascript; charset=utf-8",
  plain: script,
  br: brotliCompressSync(script),
  gzip: gzipSync(script),
};
const site: Site = {
  documents: new Map([
    ["en", '<html lang="en"><meta name="wellapi-record" content="{{record}}">'],
    ["de", '<html lang="de"><meta name="wellapi-record" content="{{record}}">'],
  ]),
  assets: new Map([
    ["me-1.js", file],
    ["service-worker-1.js", file],
  ]),
  serviceWorker: "service-worker-1.js",
};
const session = "__Host-wellapi=wellapi_ss_abc";

describe("the patient's pages", () => {
  let server: Awaited<ReturnType<typeof openTestSurface>>;
  let unbuilt: typeof server;
  beforeAll(async () => {
    server = await openTestSurface(
      createPatientPagesSurface(() => site),
      { routes: [] },
    );
    unbuilt = await openTestSurface(
      createPatientPagesSurface(() => undefined),
      { routes: [] },
    );
  });
  afterAll(async () => {
    await server?.close();
    await unbuilt?.close();
  });

  const get = (path: string, headers: Record<string, string> = {}, at = server) =>
    fetch(`${at.url}${path}`, { redirect: "manual", headers });

  test("send who is not signed in to the sign-in, with where to go on to, and nowhere else", async () => {
    for (const [path, target] of [
      ["/me/", "%2Fme%2F"],
      ["/me/log?x=https://evil.example", "%2Fme%2Flog"],
    ] as const) {
      const answer = await get(path);
      expect(answer.status).toBe(303);
      expect(answer.headers.get("location")).toBe(`/sign-in?continue=${target}`);
    }
    expect((await get("/me")).headers.get("location")).toBe("/me/");
  });

  test("are a document in the reader's language, which nobody stores, with nothing in it that a cookie brings along", async () => {
    const german = await get("/me/log", { cookie: session, "accept-language": "de-CH, en;q=0.5" });
    expect(german.headers.get("cache-control")).toBe("private, no-store");
    expect(await german.text()).toContain('lang="de"');
    const chosen = await get("/me/?lang=en", { cookie: session, "accept-language": "de" });
    expect(chosen.headers.get("set-cookie")).toMatch(
      /^__Host-wellapi-language=en; Path=\/; Secure; HttpOnly/,
    );
    expect(await chosen.text()).toContain('lang="en"');
    const record = async (value: string) =>
      /content="(.*)"/.exec(
        await (await get("/me/", { cookie: `${session}; __Host-wellapi-record=${value}` })).text(),
      )![1];
    expect(await record("pat_abc-1")).toBe("pat_abc-1");
    expect(await record('"><script>alert(1)</script>')).toBe("");
    expect(await record("$&")).toBe("");
  });

  test("load files as the browser can read them, for ever", async () => {
    // fetch decompresses what it is told is compressed: equal bytes show that the header and the bytes agree.
    const raw = async (accepted: string) => {
      const answer = await get("/me/assets/me-1.js", { "accept-encoding": accepted });
      expect(answer.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(answer.headers.get("vary")).toContain("accept-encoding");
      return [answer.headers.get("content-encoding"), Buffer.from(await answer.arrayBuffer()).equals(script)];
    };
    expect(await raw("gzip, br")).toEqual(["br", true]);
    expect(await raw("gzip")).toEqual(["gzip", true]);
    expect(await raw("br;q=0, gzip;q=0")).toEqual([null, true]);
  });

  test("have a service worker of the same origin, which browsers ask for again, and no script but by its one policy", async () => {
    const answer = await get("/me/service-worker.js");
    expect(answer.headers.get("cache-control")).toBe("no-cache");
    expect(answer.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(Buffer.from(await answer.arrayBuffer()).equals(script)).toBe(true);
    const policy = (await get("/me/", { cookie: session })).headers
      .get("content-security-policy")!
      .split(";");
    expect(policy).toEqual(
      expect.arrayContaining(["worker-src 'self'", "trusted-types service-worker", "script-src 'self'"]),
    );
    expect((await get("/me/service-worker.js", {}, unbuilt)).status).toBe(404);
  });

  test("say that a file is gone, and keep that in no cache", async () => {
    for (const name of ["me-0.js", "..%2f..%2fpackage.json", "__proto__", "constructor"]) {
      const answer = await get(`/me/assets/${name}`, { cookie: session });
      expect(answer.status).toBe(404);
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
  });

  test("say so where nobody has built them", async () => {
    const answer = await get("/me/", { cookie: session }, unbuilt);
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain("node web/patient/build.ts");
    expect((await get("/me/assets/me-1.js", {}, unbuilt)).status).toBe(404);
  });

  test("are read by no page of another origin", async () => {
    const answer = await get("/me/", { cookie: session, origin: "https://evil.example" });
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect(answer.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  });
});
