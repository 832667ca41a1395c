import { brotliCompressSync, gzipSync } from "node:zlib";
import type { Docs, DocsPage } from "@wellapi/docs-web";
import { openTestSurface } from "@wellapi/http/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDocsSurface } from "../src/docs-surface.ts";

function page(text: string, digest: string): DocsPage {
  const plain = Buffer.from(text.repeat(30));
  return {
    file: {
      contentType: "text/html; charset=utf-8",
      plain,
      br: brotliCompressSync(plain),
      gzip: gzipSync(plain),
    },
    digest,
  };
}

const times = page("<p>times</p>", "abc");
const docs: Docs = {
  pages: new Map([
    ["", page("<p>start</p>", "start")],
    ["concepts/times", times],
  ]),
  missing: page("<p>missing</p>", "missing"),
  assets: new Map([["search-1.js", times.file]]),
};

describe("the documentation", () => {
  let server: Awaited<ReturnType<typeof openTestSurface>>;
  let unbuilt: typeof server;
  beforeAll(async () => {
    server = await openTestSurface(
      createDocsSurface(() => docs),
      { routes: [] },
    );
    unbuilt = await openTestSurface(
      createDocsSurface(() => undefined),
      { routes: [] },
    );
  });
  afterAll(async () => {
    await server?.close();
    await unbuilt?.close();
  });

  const get = (path: string, headers: Record<string, string> = {}, at = server) =>
    fetch(`${at.url}${path}`, { redirect: "manual", headers });

  test("is for anybody, under a policy that lets no text become a script", async () => {
    expect((await get("/docs")).headers.get("location")).toBe("/docs/");
    const answer = await get("/docs/");
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(await answer.text()).toContain("start");
    const policy = answer.headers.get("content-security-policy")!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toMatch(/unsafe|data:|blob:|https?:/);
    const foreign = await get("/docs/", { origin: "https://somebody.example" });
    expect(foreign.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("is asked for again by its etag, which is another one for each encoding", async () => {
    const etags = await Promise.all(
      ["br", "gzip", "identity"].map(async (accepted) => {
        const headers = { "accept-encoding": accepted };
        const first = await get("/docs/concepts/times", headers);
        expect(first.headers.get("cache-control")).toBe("public, no-cache");
        expect(Buffer.from(await first.arrayBuffer()).equals(times.file.plain)).toBe(true);
        const etag = first.headers.get("etag")!;
        const again = await get("/docs/concepts/times", { ...headers, "if-none-match": etag });
        expect([again.status, await again.text()]).toEqual([304, ""]);
        return etag;
      }),
    );
    expect(new Set(etags).size).toBe(3);
  });

  test("says that a page or a file is missing, and keeps that in no cache", async () => {
    for (const path of [
      "nowhere",
      "concepts/times/",
      "concepts",
      "..%2fpackage.json",
      "__proto__",
      "assets/search-0.js",
    ]) {
      const answer = await get(`/docs/${path}`, { "if-none-match": "*" });
      expect([path, answer.status]).toEqual([path, 404]);
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
    const asset = await get("/docs/assets/search-1.js");
    expect(asset.headers.get("cache-control")).toContain("immutable");
    expect((await fetch(`${server.url}/docs/`, { method: "POST" })).status).toBe(404);
  });

  test("says so where nobody has built it", async () => {
    const answer = await get("/docs/", {}, unbuilt);
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain("node web/docs/build.ts");
  });
});
