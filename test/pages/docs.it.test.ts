/** The documentation, in a real browser. It needs no exchange: its surface alone is served. */
import { buildDocs } from "@wellapi/docs-web/build";
import { gatewayService } from "@wellapi/gateway/descriptor";
import { openTestSurface } from "@wellapi/http/testing";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { hasBrowser, openBrowser } from "./browser.ts";
import { keyboardProblems, readingProblems } from "./readable.ts";

describe.skipIf(!hasBrowser)("the documentation, in a browser", { timeout: 120_000 }, () => {
  let server: Awaited<ReturnType<typeof openTestSurface>>;
  let browser: Browser;

  beforeAll(async () => {
    await buildDocs();
    const surface = gatewayService.pages!.find(({ name }) => name === "docs")!;
    server = await openTestSurface(surface, { routes: [] });
    browser = await openBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  async function open(path: string, scripts = true): Promise<Page> {
    const context = await browser.newContext({ baseURL: server.url, javaScriptEnabled: scripts });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto(path);
    return page;
  }

  // One of each template: the first page, prose with tables, a service, types, nothing.
  test.each([
    "",
    "openapi",
    "reference/wellapi.ingestion.v1.IngestionService",
    "reference/types/wellapi.notices.v1",
    "nowhere",
  ])("/docs/%s can be read and reached by everybody", async (path) => {
    const page = await open(`/docs/${path}`);
    await page.getByRole("searchbox").waitFor();
    expect(await readingProblems(page, "en", `docs-${path}`)).toEqual([]);
    if (path === "") expect(await keyboardProblems(page, "docs")).toEqual([]);
  });

  test("the search finds a reason by a part of it, leads there by the keyboard, and asks nobody else", async () => {
    const page = await open("/docs/");
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.getByRole("searchbox").fill("consent_requ");
    const first = page.locator("#found a").first();
    await first.waitFor();
    expect(await first.textContent()).toBe("CONSENT_REQUIRED");
    expect(await readingProblems(page, "en", "docs-found")).toEqual([]);
    await page.getByRole("searchbox").press("Enter");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/docs/reasons#consent_required");
    expect(asked.filter((url) => !url.startsWith(server.url))).toEqual([]);
  });

  test("without scripts everything is there but the search", async () => {
    const page = await open("/docs/concepts/times", false);
    expect(await page.locator("#search").isVisible()).toBe(false);
    await page.locator("summary", { hasText: "Services" }).click();
    await page.getByRole("link", { name: "IngestionService" }).click();
    await page.waitForURL("**/wellapi.ingestion.v1.IngestionService");
    expect(await page.locator("h2", { hasText: /^StreamSeries$/ }).count()).toBe(1);
  });
});
