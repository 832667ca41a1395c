/** What every page has to be: for eyes, ears and fingers of all kinds. */
import { mkdirSync } from "node:fs";
import axe from "axe-core";
import type { Page } from "playwright-core";

/** Where the screenshots of all pages go; none are made without it. */
const album = process.env.WELLAPI_SCREENSHOTS;
if (album !== undefined) mkdirSync(album, { recursive: true });

/** Pixels that stick out of the width. */
export const sideways = (page: Page) =>
  page.evaluate<number>("document.documentElement.scrollWidth - document.documentElement.clientWidth");

/** Findings of axe, by all its rules or by these. Only what breaks a rule is put together: a third of the time. */
export async function findings(page: Page, rules?: readonly string[]): Promise<readonly string[]> {
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(axe.source);
  const options: axe.RunOptions = {
    resultTypes: ["violations"],
    ...(rules && { runOnly: { type: "rule", values: [...rules] } }),
  };
  return page.evaluate<string[]>(
    `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ": " + html)))`,
  );
}

/**
 * What is wrong with the page: not in its language, a finding of axe in light or dark, not one heading, something to scroll sideways at
 * the width that it has, also with letters twice as large.
 */
export async function readingProblems(page: Page, language: string, name: string): Promise<string[]> {
  const found: string[] = [];
  const lang = await page.locator("html").getAttribute("lang");
  if (lang !== language) found.push(`in ${lang}, not in ${language}`);
  const headings = await page.locator("h1").allTextContents();
  if (headings.length !== 1 || headings[0]!.trim() === "") found.push(`${headings.length} headings`);
  found.push(...(await findings(page)));
  if ((await sideways(page)) > 0) found.push(`scrolls sideways: ${await widest(page)}`);
  await shoot(page, `${name}-${language}`);
  // Buttons fade from one colour into the other: what is between the two is not what somebody reads.
  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
  found.push(...(await findings(page, ["color-contrast"])).map((one) => `dark: ${one}`));
  if (language === "de") await shoot(page, `${name}-dark`);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: null });
  await page.evaluate("document.documentElement.style.fontSize = '200%'");
  if ((await sideways(page)) > 0) found.push(`scrolls sideways at 200 %: ${await widest(page)}`);
  await page.evaluate("document.documentElement.style.fontSize = ''");
  return found.map((one) => `${name}: ${one}`);
}

/** What sticks out. */
function widest(page: Page): Promise<string> {
  return page.evaluate<string>(
    "[...document.querySelectorAll('main *, header *, nav *')].filter((one) => one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML.slice(0, 90)).slice(0, 3).join(' | ')",
  );
}

async function shoot(page: Page, name: string): Promise<void> {
  if (album === undefined) return;
  await page.screenshot({ path: `${album}/${name.replaceAll(/[^\w-]+/g, "_")}.png`, fullPage: true });
}

/** Links, fields and buttons that Tab does not lead to, or that do not show that they have the focus. */
export async function keyboardProblems(page: Page, name: string): Promise<string[]> {
  const all = await page.evaluate<number>(numberControls);
  const reached = new Set<string>();
  // Once around, through the browser's own edge, from wherever the focus is; a date has several stops.
  for (let presses = 0; presses < 2 * all + 10 && reached.size < all; presses += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate<string>(focused);
    if (at !== "") reached.add(at);
  }
  const missing = Array.from({ length: all }, (_, at) => String(at)).filter((at) => !reached.has(at));
  return Promise.all(
    missing.map(async (at) => {
      const control = page.locator(`[data-at="${at}"]`);
      return `${name}: no way by Tab to ${await control.evaluate((one) => one.outerHTML.slice(0, 90))}`;
    }),
  );
}

/** Of radio buttons with one name, the checked one stands for all, or the first: arrows lead to the others. */
const numberControls = `(() => {
  let count = 0;
  for (const one of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")) {
    if (!one.checkVisibility() || one.disabled) continue;
    if (one.type === "radio") {
      const all = [...document.getElementsByName(one.name)];
      if (one !== (all.find((other) => other.checked) ?? all[0])) continue;
    }
    one.dataset.at = String(count++);
  }
  return count;
})()`;

const focused = `(() => {
  const one = document.activeElement;
  const shown = one.matches(":focus-visible") && parseFloat(getComputedStyle(one).outlineWidth) >= 2;
  return shown ? (one.dataset.at ?? "") : "";
})()`;
