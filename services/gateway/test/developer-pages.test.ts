import { brotliCompressSync, gzipSync } from "node:zlib";
import { openTestSurface } from "@wellapi/http/testing";
import { expect, onTestFinished, test } from "vitest";
import { createDeveloperPagesSurface } from "../src/developer-pages-surface.ts";

const script = Buffer.from("export const answer = 42;\n".repeat(20));
const file = {
  contentType: "text/javascript; charset=utf-8",
  plain: script,
  br: brotliCompressSync(script),
  gzip: gzipSync(script),
};
const site = {
  documents: new Map([
    ["en", '<html lang="en">'],
    ["de", '<html lang="de">'],
  ] as const),
  assets: new Map([["developers-1.js", file]]),
};
const cookie = "__Host-wellapi=wellapi_ss_abc";

async function open(read: () => typeof site | undefined) {
  const server = await openTestSurface(createDeveloperPagesSurface(read), { routes: [] });
  onTestFinished(() => server.close());
  return (path: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}${path}`, { redirect: "manual", headers });
}

test("the developers' pages are for who is signed in, in their language, with files that are kept for ever", async () => {
  const get = await open(() => site);
  expect((await get("/developers")).headers.get("location")).toBe("/developers/");
  const away = await get("/developers/usage");
  expect([away.status, away.headers.get("location")]).toEqual([
    303,
    "/sign-in?continue=%2Fdevelopers%2Fusage",
  ]);
  const german = await get("/developers/", { cookie, "accept-language": "de" });
  expect(await german.text()).toBe('<html lang="de">');
  expect(german.headers.get("cache-control")).toContain("no-store");
  const policy = german.headers.get("content-security-policy")!;
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|https?:/);
  const asset = await get("/developers/assets/developers-1.js");
  expect(asset.headers.get("cache-control")).toContain("immutable");
  expect((await get("/developers/assets/another.js")).status).toBe(404);
});

test("where nobody has built them a server says so", async () => {
  const answer = await (await open(() => undefined))("/developers/", { cookie });
  expect([answer.status, await answer.text()]).toEqual([
    503,
    expect.stringContaining("node web/developers/build.ts"),
  ]);
});
