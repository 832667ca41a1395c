/** Deaths of patients on the pages, in a browser: what the privacy officer and a representative do, and what the patient sees. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Account, openAccount } from "./accounts.ts";
import { hasBrowser, openBrowser, openPerson } from "./browser.ts";
import { mailTo, signInByCode } from "./people.ts";
import { openScene, type Scene } from "./scene.ts";

describe.skipIf(!hasBrowser)("deaths on the pages", { timeout: 180_000 }, () => {
  let scene: Scene;
  let browser: Browser;
  let origin: string;

  beforeAll(async () => {
    scene = await openScene();
    browser = await openBrowser();
    origin = scene.world.issuer;
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await scene?.close();
  });

  async function pageOf(account: Account): Promise<Page> {
    const { context, page } = await openPerson(browser, origin, "en");
    onTestFinished(() => context.close());
    await account.enter(context);
    return page;
  }

  const text = async (page: Page, selector = "main") => (await page.locator(selector).textContent()) ?? "";
  /** The first report in the list that is about the patient and offers something to decide. */
  const reportOn = (page: Page, { patient }: Account) =>
    page
      .locator("li")
      .filter({ hasText: patient })
      .filter({ has: page.locator("summary") })
      .first();

  test("the officer confirms a report: the person is signed out and told why; and undoes it: they are as before", async () => {
    const { ada, edgar } = scene;
    const own = await pageOf(edgar);
    await own.goto("/account/permissions");
    expect(await text(own)).toContain("Pulse Makers");

    await ada.confirm();
    const office = await pageOf(ada);
    await office.goto("/office/deaths");
    const waiting = reportOn(office, edgar);
    await waiting.locator("summary").click();
    await waiting.locator("input[name=note]").fill("certificate seen");
    await waiting.locator("button[value=confirm]").click();
    await office.waitForURL(/done=decided/);
    expect(await text(office)).toContain("Confirmed: the record is frozen");

    await own.goto("/account/permissions");
    expect(own.url()).toContain("/sign-in");
    const { context, page: again } = await openPerson(browser, origin, "en");
    onTestFinished(() => context.close());
    const refused = signInByCode(again, edgar.email).catch(() => "refused");
    await again.waitForSelector("text=reported and confirmed");
    expect(await text(again)).toContain("they can undo it, and nothing is lost");

    const confirmed = reportOn(office, edgar).filter({ hasText: "Confirmed" });
    await confirmed.locator("summary").click();
    await confirmed.locator("input[name=note]").fill("he called");
    await confirmed.locator("button[value=undo]").click();
    await office.waitForURL(/done=decided/);
    await expect.poll(() => text(office), { timeout: 15_000 }).toContain("A mistake, undone");
    await own.goto("/account/permissions");
    expect(await text(own)).toContain("Pulse Makers");
    await context.close();
    await refused;
  });

  test("a representative is entered by the officer, accepts, and takes a permission back; nothing else is offered", async () => {
    const { ada, frida } = scene;
    const rita = await openAccount(origin, { name: "Rita", email: "rita@example.org", record: false });
    await ada.confirm();
    const office = await pageOf(ada);
    await office.goto("/office/guardians");
    await office.fill("#patient", frida.patient);
    await office.press("#patient", "Enter");
    await office.waitForSelector("#represent");
    expect(await text(office, "section:has(#found)")).toContain("Representative of somebody who died");
    await office.fill("#rep-name", "Rita Heir");
    await office.fill("#rep-email", rita.email);
    await office.fill("#rep-grounds", "certificate of inheritance 8/2026");
    await office.press("#rep-grounds", "Enter");
    await office.waitForSelector("[role=status]");

    const page = await pageOf(rita);
    await page.goto(/https?:\/\/\S+#\S+/.exec(await mailTo(origin, rita.email, /#\S/))![0]);
    await page.click("main form button");
    await page.waitForURL(/\/invitations\/offer/);
    expect(await text(page, "h1")).toBe("You are to represent Frida Example, who died");
    await page.click("form[action='/invitations/accept'] button");
    await page.waitForURL(/accepted=1/);
    expect(await text(page, ".acting")).toMatch(/Frida Example, as the representative of somebody who died/);
    for (const path of ["/account/apps", "/account/emergency"]) {
      expect(await page.locator(`main a[href='${path}']`).count()).toBe(0);
    }
    await page.goto("/account/people");
    expect(await page.locator("a[href='/account/people/invite']").count()).toBe(0);
    await page.goto("/account/permissions");
    await page.click("form[action='/account/permissions/revoke'] button");
    await page.waitForURL(/saved=1/);
    expect(await text(page)).toContain("It is taken back");
  });
});
