/** The browser of this machine. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const places = [
  process.env.WELLAPI_CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];
/** Undefined: there is none. */
export const chromiumPath = places.find((place) => place !== undefined && existsSync(place));

export async function openBrowser(): Promise<Browser> {
  // Inside a container there are no further namespaces for a sandbox.
  return chromium.launch({ executablePath: chromiumPath!, args: ["--no-sandbox"] });
}
