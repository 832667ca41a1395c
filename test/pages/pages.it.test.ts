import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { freePorts } from "@wellapi/runtime";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { addAuthenticator, hasBrowser, openBrowser, openPerson, type Person } from "./browser.ts";
import { codeFor, register, signInByCode, signInByPasskey, signOut } from "./people.ts";

describe.skipIf(!hasBrowser)("people on the pages, in a browser", { timeout: 180_000 }, () => {
  const folder = temporaryFolder();
  let server: Server;
  let browser: Browser;
  let origin: string;
  let counter = 0;

  beforeAll(async () => {
    // A passkey belongs to an origin, which has to be known before the start.
    const [port] = await freePorts(1);
    origin = `http://localhost:${port}`;
    const env = { WELLAPI_HTTP_PORT: String(port), WELLAPI_ORIGIN: origin };
    server = await startServer({ dataDir: folder.path, target: "one-process", env });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    folder.remove();
  });

  async function person(locale: "en" | "de" = "en"): Promise<Person & { email: string }> {
    const opened = await openPerson(browser, origin, locale);
    onTestFinished(() => opened.context.close());
    counter += 1;
    return { ...opened, email: `person-${counter}@example.org` };
  }

  const text = async (page: Page, selector = "main") => (await page.locator(selector).textContent()) ?? "";

  test("register with a passkey, sign out, and in again", async () => {
    const { page, context, email } = await person();
    await addAuthenticator(page);
    await register(page, email, { name: "Ada Example", passkey: true });
    expect(await text(page, "h1")).toBe("Hello, Ada Example");
    await page.goto("/account/security");
    expect(await text(page)).toContain(email);
    const cookies = await context.cookies(origin);
    expect(cookies.find(({ name }) => name === "__Host-wellapi")).toMatchObject({
      httpOnly: true,
      secure: true,
      sameSite: "Lax",
      path: "/",
    });
    expect(cookies.map(({ name }) => name)).not.toContain("__Host-wellapi-flow");
    await signOut(page);
    await page.goto("/account");
    expect(new URL(page.url()).pathname).toBe("/sign-in");
    await signInByPasskey(page);
    expect(await text(page, "h1")).toBe("Hello, Ada Example");
  });

  test("a passkey that the browser does not have is said in words", async () => {
    const { page } = await person();
    await addAuthenticator(page);
    await page.goto("/sign-in");
    await page.click("button[data-passkey=get]");
    await page.locator("[data-says]", { hasText: "The passkey was not used" }).waitFor();
    expect(await page.locator("button[data-passkey=get]").getAttribute("aria-busy")).toBeNull();
  });

  test("by e-mail code, from the sandbox's mailbox, a wrong one first; it sees, and has to confirm for more", async () => {
    const { page, email } = await person();
    await register(page, email, { name: "Grace Example", passkey: false });
    expect(await text(page)).toContain("You have no passkey yet");
    await signOut(page);
    await page.fill("#email", email);
    await page.press("#email", "Enter");
    await page.waitForURL(/\/sign-in\/code/);
    const code = await codeFor(origin, email);
    await page.fill("#code", code === "123456" ? "654321" : "123456");
    await page.press("#code", "Enter");
    await page.waitForSelector("#code-wrong");
    expect(await page.locator("#code").getAttribute("aria-invalid")).toBe("true");
    const mailbox = await page.context().newPage();
    await mailbox.goto("/mailbox");
    expect(await text(mailbox)).toContain(email);
    await page.fill("#code", code);
    await page.press("#code", "Enter");
    await page.waitForURL("**/account");
    await page.goto("/account/security");
    await page.click("form[action='/account/recovery-codes'] button");
    await page.waitForURL(/\/step-up/);
    expect(await text(page, "h1")).toBe("There is nothing to confirm with yet");
  });

  test("a second passkey, recovery codes, and a confirmation with one of them", async () => {
    const { page, email } = await person();
    const first = await addAuthenticator(page);
    await register(page, email, { name: "Ada Example", passkey: true });
    await page.goto("/account/security");
    await page.click("form[action='/account/recovery-codes'] button");
    await page.waitForSelector(".codes");
    const codes = await page.locator(".codes li").allInnerTexts();
    expect(new Set(codes).size).toBe(10);
    const file = page.locator("a[download]");
    expect(decodeURIComponent((await file.getAttribute("href"))!)).toContain(codes[9]!);
    await first.remove();
    await addAuthenticator(page);
    await page.goto("/account/passkey");
    await page.fill("#name", "Second phone");
    await page.click("button[data-passkey=create]");
    await page.waitForURL(/\/account\/security\?saved=1/);
    expect(await text(page)).toContain("Second phone");
    expect(await page.locator("form[action='/account/passkey/remove']").count()).toBe(2);
    await page.goto("/step-up");
    await page.fill("#recovery", codes[0]!);
    await page.press("#recovery", "Enter");
    await page.waitForURL("**/account");
    await page.goto("/account/security");
    expect(await text(page)).toContain("9 codes are left");
    await page.goto("/step-up");
    await page.fill("#recovery", codes[0]!);
    await page.press("#recovery", "Enter");
    await page.waitForSelector("[role=alert]");
  });

  test("an ended session is over at once", async () => {
    const { page, email } = await person();
    await addAuthenticator(page);
    await register(page, email, { name: "Ada Example", passkey: true });
    const other = await person("de");
    await signInByCode(other.page, email);
    expect(await text(other.page, "h1")).toBe("Guten Tag, Ada Example");
    await page.goto("/account/security");
    await page.locator("form[action='/account/sessions/end'] button").first().click();
    await page.waitForURL(/saved=1/);
    await other.page.goto("/account");
    expect(new URL(other.page.url()).pathname).toBe("/sign-in");
  });

  test("another origin can neither send our forms nor frame our pages", async () => {
    const { page, email } = await person();
    await addAuthenticator(page);
    await register(page, email, { name: "Ada Example", passkey: true });
    const evil = createServer((_request, response) => {
      response.setHeader("content-type", "text/html");
      response.end(`<iframe src="${origin}/account"></iframe>
        <form method="post" action="${origin}/account/profile"><input name="name" value="Mallory"><button>x</button></form>
        <form id="login" method="post" action="${origin}/sign-in"><input name="email" value="m@example.org"><button>y</button></form>`);
    });
    await new Promise<void>((resolve) => evil.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void evil.close());
    const { port } = evil.address() as AddressInfo;
    // Another port is another origin of the same site, another name another site.
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`]) {
      await page.goto(`http://${host}/`);
      await expect.poll(() => page.frames()[1]?.url()).toBe("chrome-error://chromewebdata/");
      await page.click("form button");
      await page.waitForURL(`${origin}/**`);
      expect(await text(page, "h1")).not.toContain("Hello");
      await page.goto(`http://${host}/`);
      await page.click("#login button");
      await page.waitForURL(`${origin}/**`);
      expect(await text(page, "h1")).toBe("This did not come from our page");
    }
    await page.goto("/account");
    expect(await text(page, "h1")).toBe("Hello, Ada Example");
  });

  test("with the keyboard alone", async () => {
    const { page, email } = await person();
    await addAuthenticator(page);
    await page.goto("/register");
    await tabTo(page, "#email");
    await page.keyboard.type(email);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/sign-in\/code/);
    await tabTo(page, "#code");
    await page.keyboard.type(await codeFor(origin, email));
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/register\/details/);
    await tabTo(page, "#name");
    await page.keyboard.type("Ada Example");
    await tabTo(page, "button[data-passkey=create]");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/account");
    await tabTo(page, "header form button");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/sign-in/);
  });
});

/** Presses Tab until the element has the focus. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 40; presses += 1) {
    if (await page.locator(selector).evaluate((element) => element === element.ownerDocument.activeElement))
      return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`no way to ${selector} by Tab`);
}
