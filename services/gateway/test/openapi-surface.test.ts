import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Gateway } from "../src/index.ts";
import { openTestGateway } from "./harness.ts";

const committed = readFileSync(
  fileURLToPath(new URL("../../../gen/openapi/openapi.yaml", import.meta.url)),
  "utf8",
);
let gateway: Gateway;
let document: string;

beforeAll(async () => {
  const opened = await openTestGateway({});
  gateway = opened.gateway;
  document = `${opened.url}/openapi.yaml`;
});
afterAll(() => gateway.close());

test("anybody gets the document as it is generated, without a credential", async () => {
  const response = await fetch(document);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/yaml");
  expect(await response.text()).toBe(committed);
});

test("it may be kept, and is not sent again to whoever has it", async () => {
  const first = await fetch(document);
  await first.text();
  expect(first.headers.get("cache-control")).toBe("public, max-age=300");
  const etag = first.headers.get("etag")!;
  for (const shown of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const again = await fetch(document, { headers: { "if-none-match": shown } });
    expect([shown, again.status, await again.text()]).toEqual([shown, 304, ""]);
  }
  const changed = await fetch(document, { headers: { "if-none-match": '"other"' } });
  expect([changed.status, await changed.text()]).toEqual([200, committed]);
});

test("it is packed for whoever takes gzip, under an etag of its own", async () => {
  const plain = await fetch(document, { headers: { "accept-encoding": "identity" } });
  expect(plain.headers.has("content-encoding")).toBe(false);
  expect(await plain.text()).toBe(committed);
  const packed = await fetch(document, { headers: { "accept-encoding": "gzip" } });
  expect(packed.headers.get("content-encoding")).toBe("gzip");
  expect(Number(packed.headers.get("content-length"))).toBeLessThan(committed.length / 5);
  expect(packed.headers.get("vary")).toContain("accept-encoding");
  expect(packed.headers.get("etag")).not.toBe(plain.headers.get("etag"));
  expect(await packed.text()).toBe(committed);
  const refused = await fetch(document, { headers: { "accept-encoding": "gzip;q=0" } });
  expect(refused.headers.has("content-encoding")).toBe(false);
  await refused.text();
});

test("pages of every origin read it, and only by a plain GET", async () => {
  const origin = "https://somebody.example";
  const read = await fetch(document, { headers: { origin } });
  expect(read.headers.get("access-control-allow-origin")).toBe("*");
  expect(read.headers.has("access-control-allow-credentials")).toBe(false);
  await read.text();
  const preflight = await fetch(document, {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST" },
  });
  expect(preflight.status).toBe(403);
  expect(await preflight.json()).toMatchObject({ reason: "ORIGIN_NOT_ALLOWED" });
  const posted = await fetch(document, { method: "POST" });
  expect(posted.status).toBe(404);
  await posted.text();
});
