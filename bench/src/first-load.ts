/** The patient's overview in a real browser, in which nothing of it is kept yet. */
import { existsSync } from "node:fs";
import type { SignedInPerson } from "@wellapi/demo/people";
import { type Browser, chromium } from "playwright-core";
import { assertRun } from "./result.ts";

const places = [process.env.WELLAPI_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"];

/** Undefined where the machine has no Chromium. */
export async function openChromium(): Promise<Browser | undefined> {
  const executablePath = places.find((place) => place !== undefined && existsSync(place));
  return executablePath === undefined
    ? undefined
    : chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

export interface FirstLoad {
  /** From the navigation until the page has everything that it waits for and takes a click. */
  readonly ms: number;
  /** Compressed bodies of the page's own files. */
  readonly bytes: number;
}

export async function firstLoad(
  browser: Browser,
  origin: string,
  person: SignedInPerson,
): Promise<FirstLoad> {
  const context = await browser.newContext({ baseURL: origin, viewport: { width: 360, height: 740 } });
  try {
    const cookie = { name: "__Host-wellapi", domain: "localhost", path: "/", secure: true, httpOnly: true };
    const { value = "" } = person.browser.jar.get(cookie.name) ?? {};
    await context.addCookies([{ ...cookie, value, sameSite: "Lax" }]);
    const page = await context.newPage();
    const sizes: Promise<number>[] = [];
    page.on("requestfinished", (request) => {
      if (!request.url().includes("/me/")) return;
      sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
    });
    const began = performance.now();
    await page.goto("/me/");
    await page.locator(".tabs").waitFor();
    await page.locator("main h1").waitFor();
    await page.locator(".loading").first().waitFor({ state: "detached" });
    await page.locator(".tabs a").last().click({ trial: true });
    const ms = performance.now() - began;
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    assertRun(bytes > 10_000, "the page's files were loaded");
    return { ms, bytes };
  } finally {
    await context.close();
  }
}
