/** A real browser, with an authenticator that is in it and no device. */
import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { vi } from "vitest";

// A browser beside a server on a busy machine is slow, and what it waits for comes.
vi.setConfig({ testTimeout: 120_000 });

const places = [
  process.env.WELLAPI_CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];
const found = places.find((place) => place !== undefined && existsSync(place));

/** Whether there is a browser. A laptop without one skips, and says so; CI fails. */
export const hasBrowser = found !== undefined;
if (!hasBrowser) {
  const said = "no Chromium: install it (apt-get install chromium), or name it in WELLAPI_CHROMIUM";
  if (process.env.CI) throw new Error(said);
  process.stderr.write(`\nSKIPPED: the pages were not tested: ${said}\n\n`);
}

export async function openBrowser(): Promise<Browser> {
  // Inside a container there are no further namespaces for a sandbox.
  return chromium.launch({ executablePath: found!, args: ["--no-sandbox"] });
}

/** The page's authenticator: it keeps passkeys and verifies its user, without a touch. Returns how to switch it off. */
export async function addAuthenticator(page: Page): Promise<{ remove(): Promise<void> }> {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      ctap2Version: "ctap2_1",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    remove: async () => void (await session.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId })),
  };
}

export interface Person {
  readonly context: BrowserContext;
  readonly page: Page;
}

/**
 * A browser of its own, of somebody who reads this language, on a phone. Without a service worker unless it is asked for: what goes by way
 * of one no `page.route` sees.
 */
export async function openPerson(
  browser: Browser,
  origin: string,
  locale: "en" | "de" = "en",
  timezoneId = "Europe/Berlin",
  serviceWorkers: "allow" | "block" = "block",
): Promise<Person> {
  const context = await browser.newContext({
    baseURL: origin,
    locale,
    timezoneId,
    serviceWorkers,
    viewport: { width: 360, height: 740 },
  });
  context.setDefaultTimeout(45_000);
  return { context, page: await context.newPage() };
}
