/** Every page that the router has, in both languages, in a real browser. A page without a row here fails the first test. */
import { createClient } from "@connectrpc/connect";
import { operatorAt } from "@wellapi/demo/people";
import { DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildSite as buildDevelopersSite } from "../../web/developers/build.ts";
import { confidentialClient, connect } from "../oauth/world.ts";
import type { Account } from "./accounts.ts";
import { hasBrowser, openBrowser, openPerson } from "./browser.ts";
import { developerStory } from "./developer-story.ts";
import { codeFor, mailTo } from "./people.ts";
import { keyboardProblems, readingProblems } from "./readable.ts";
import { pageRoutes } from "./routes.ts";
import { guardianCode, openScene, type Scene } from "./scene.ts";
import { signUpStory } from "./sign-up-story.ts";

interface Row {
  /** As the router spells it, with what the row shows of it. */
  readonly page: string;
  /** Who is signed in. */
  readonly by?: "ada" | "bert" | "edgar";
  /** Whose record is open; the own one unless given. */
  readonly of?: "grace" | "frida";
  /** Whether they have confirmed just now that it is them. */
  readonly confirmed?: true;
  /** Goes to the page; its own path unless given. */
  readonly open?: (page: Page, scene: Scene) => Promise<unknown>;
  /** The status of the page's answer; 200 unless given. */
  readonly refused?: true;
}

let addresses = 0;
function nextAddress(): string {
  addresses += 1;
  return `somebody-${addresses}@example.org`;
}

async function enterAddress(page: Page, email: string): Promise<void> {
  await page.goto("/register");
  await page.fill("#email", email);
  await page.press("#email", "Enter");
  await page.waitForURL(/\/sign-in\/code/);
}

async function offer(page: Page, { world }: Scene, code: () => Promise<string>): Promise<void> {
  await page.goto("/invitations");
  await page.fill("#invitation", await code());
  await page.press("#invitation", "Enter");
  await page.waitForURL(/\/invitations\/offer/);
  expect(world.issuer).toContain("localhost");
}

const codeIn = (mail: string) => /\bwellapi_(?:dc|inv)_[\w-]+/.exec(mail)![0];

async function offerOfWork({ world }: Scene): Promise<string> {
  const email = nextAddress();
  await createClient(MemberService, operatorAt(world.server)).inviteMember({
    organization: world.company.organization,
    email,
    roles: [Role.CLINICIAN],
    requestId: crypto.randomUUID(),
  });
  return codeIn(await mailTo(world.issuer, email));
}

async function offerOfRecord({ world, grace }: Scene): Promise<string> {
  const email = nextAddress();
  await createClient(DelegationService, grace.as(grace.patient)).inviteCarer({
    patient: grace.patient,
    email,
    displayName: "Somebody",
    requestId: crypto.randomUUID(),
  });
  return codeIn(await mailTo(world.issuer, email));
}

async function press(page: Page, path: string, action: string): Promise<void> {
  await page.goto(path);
  await page.click(`form[action='${action}'] button`);
  await page.waitForURL(`**${action}`);
}

async function lookUp(page: Page, path: string, patient: string): Promise<void> {
  await page.goto(path);
  await page.fill("#patient", patient);
  await page.press("#patient", "Enter");
  await page.waitForSelector("#found");
  await page.locator("summary").first().click();
}

async function openAll(page: Page, path: string): Promise<void> {
  await page.goto(path);
  for (const summary of await page.locator("summary").all()) await summary.click();
}

async function askForGuardianship(page: Page, code: string): Promise<void> {
  await page.goto("/account/guardianships/ask");
  await page.fill("#claim", code);
  await page.press("#claim", "Enter");
}

async function ask(page: Page, { world }: Scene): Promise<void> {
  const { configuration } = await confidentialClient(world);
  const { url } = await connect(configuration);
  await page.goto(url.href);
  await page.waitForURL(/\/authorize\//);
}

const organization = ({ world }: Scene) => world.company.organization;

const rows: readonly Row[] = [
  { page: "/sign-in" },
  {
    page: "/sign-in (a code was asked for too often)",
    open: async (page) => {
      await page.goto("/sign-in");
      await page.fill("#email", "no.address@x");
      await page.press("#email", "Enter");
      await page.waitForURL(/\/sign-in/);
    },
  },
  { page: "/register" },
  { page: "/sign-in/code", open: (page) => enterAddress(page, nextAddress()) },
  {
    page: "/sign-in/code (a wrong one)",
    open: async (page) => {
      await enterAddress(page, nextAddress());
      await page.fill("#code", "1");
      await page.press("#code", "Enter");
      await page.waitForSelector("#code-wrong");
    },
  },
  {
    page: "/register/details",
    open: async (page, { world }) => {
      const email = nextAddress();
      await enterAddress(page, email);
      await page.fill("#code", await codeFor(world.issuer, email));
      await page.press("#code", "Enter");
      await page.waitForURL(/details/);
    },
  },
  { page: "/recovery/stop" },
  { page: "/recovery/stopped" },
  { page: "/mailbox" },
  { page: "/invitations" },
  {
    page: "/invitations (one that does not hold)",
    open: async (page) => {
      await page.goto("/invitations");
      await page.fill("#invitation", "wellapi_inv_nothing");
      await page.press("#invitation", "Enter");
      await page.waitForSelector("#invitation-wrong");
    },
  },
  { page: "/invitations/offer", open: (page, scene) => offer(page, scene, () => offerOfWork(scene)) },
  {
    page: "/invitations/offer (of a record, signed in)",
    by: "bert",
    open: (page, scene) => offer(page, scene, () => offerOfRecord(scene)),
  },
  { page: "/invitations/accepted", by: "ada" },
  { page: "/invitations/declined" },
  { page: "/authorize/:id", open: ask },
  { page: "/authorize/:id (signed in)", by: "ada", confirmed: true, open: ask },
  {
    page: "/authorize/:id (nobody's)",
    by: "ada",
    refused: true,
    open: (page) => page.goto("/authorize/unknown"),
  },
  {
    page: "/oauth2/authorize (an unknown application)",
    refused: true,
    open: (page) => page.goto("/oauth2/authorize?client_id=app_nobody&response_type=code"),
  },
  { page: "/device", by: "ada" },
  { page: "/device/done", by: "ada" },
  { page: "/device/refused", by: "ada" },
  { page: "/account", by: "ada" },
  { page: "/account (of somebody else)", by: "ada", of: "grace", open: (page) => page.goto("/account") },
  { page: "/account (without a record)", by: "bert", open: (page) => page.goto("/account") },
  { page: "/account/security", by: "ada" },
  { page: "/account/permissions", by: "ada" },
  {
    page: "/account/permissions (of somebody else)",
    by: "ada",
    of: "grace",
    open: (page) => page.goto("/account/permissions"),
  },
  { page: "/account/apps", by: "ada" },
  { page: "/account/people", by: "ada", open: (page) => openAll(page, "/account/people") },
  { page: "/account/people/guardian-code", by: "ada", confirmed: true },
  {
    page: "/account/people/guardian-code (a form's answer)",
    by: "ada",
    confirmed: true,
    open: (page) => press(page, "/account/people/guardian-code", "/account/people/guardian-code"),
  },
  { page: "/account/guardianships", by: "edgar" },
  { page: "/account/guardianships/ask", by: "edgar", confirmed: true },
  {
    page: "/account/guardianships/ask (a code that does not hold)",
    by: "edgar",
    confirmed: true,
    open: async (page) => {
      await askForGuardianship(page, "wellapi_gc_nothing");
      await page.waitForSelector("#claim-wrong");
    },
  },
  {
    page: "/account/guardianships/code (a form's answer)",
    by: "edgar",
    confirmed: true,
    open: async (page, { ada }) => {
      await askForGuardianship(page, await guardianCode(ada));
      await page.waitForSelector("#patient-name");
    },
  },
  {
    page: "/account/people (of somebody else)",
    by: "ada",
    of: "grace",
    open: (page) => page.goto("/account/people"),
  },
  { page: "/account/download", by: "ada", confirmed: true },
  {
    page: "/account/download (of somebody else)",
    by: "ada",
    of: "grace",
    open: (page) => page.goto("/account/download"),
  },
  {
    page: "/account (of somebody who died)",
    by: "ada",
    of: "frida",
    open: (page) => page.goto("/account"),
  },
  {
    page: "/account/permissions (of somebody who died)",
    by: "ada",
    of: "frida",
    open: (page) => page.goto("/account/permissions"),
  },
  {
    page: "/account/people (of somebody who died)",
    by: "ada",
    of: "frida",
    open: (page) => page.goto("/account/people"),
  },
  { page: "/account/emergency", by: "ada" },
  {
    page: "/account/emergency (of somebody else)",
    by: "ada",
    of: "grace",
    open: (page) => page.goto("/account/emergency"),
  },
  {
    page: "/account/emergency/code (a form's answer)",
    by: "ada",
    confirmed: true,
    open: (page) => press(page, "/account/emergency", "/account/emergency/code"),
  },
  { page: "/account/people/invite", by: "ada", confirmed: true },
  { page: "/account/claim", by: "bert" },
  {
    page: "/account/claim (who has a record)",
    by: "ada",
    open: (page) => page.goto("/account/claim"),
  },
  { page: "/account/claimed", by: "ada" },
  { page: "/account/passkey", by: "ada" },
  { page: "/account/email", by: "ada" },
  {
    page: "/account/email/code",
    by: "ada",
    confirmed: true,
    open: async (page) => {
      await page.goto("/account/email");
      await page.fill("#email", nextAddress());
      await page.press("#email", "Enter");
      await page.waitForURL(/code/);
    },
  },
  { page: "/step-up", by: "ada" },
  {
    page: "/account/recovery-codes (a form's answer)",
    by: "ada",
    confirmed: true,
    open: (page) => press(page, "/account/security", "/account/recovery-codes"),
  },
  {
    page: "/account/app/start (a form's answer)",
    by: "ada",
    confirmed: true,
    open: (page) => press(page, "/account/security", "/account/app/start"),
  },
  {
    page: "/organizations/:organization/members",
    by: "ada",
    confirmed: true,
    open: async (page, scene) => {
      await page.goto(`/organizations/${organization(scene)}/members`);
      await page.locator("summary").first().click();
    },
  },
  {
    page: "/organizations/:organization/guardians",
    by: "ada",
    open: (page, scene) => page.goto(`/organizations/${organization(scene)}/guardians`),
  },
  {
    page: "/organizations/:organization/deaths",
    by: "ada",
    open: (page, scene) => page.goto(`/organizations/${organization(scene)}/deaths`),
  },
  {
    page: "/organizations/:organization/deaths (a number that is not there)",
    by: "ada",
    open: async (page, scene) => {
      await page.goto(`/organizations/${organization(scene)}/deaths`);
      await page.fill("#patient", "pat_nobody");
      await page.fill("#date", "2026-03-31");
      await page.fill("#grounds", "certificate");
      await page.press("#grounds", "Enter");
      await page.waitForSelector("[role=alert]");
    },
  },
  {
    page: "/organizations/:organization/emergency",
    by: "ada",
    confirmed: true,
    open: (page, scene) => page.goto(`/organizations/${organization(scene)}/emergency`),
  },
  {
    page: "/organizations/:organization/emergency (a code that does not hold)",
    by: "ada",
    confirmed: true,
    open: async (page, scene) => {
      await page.goto(`/organizations/${organization(scene)}/emergency`);
      await page.fill("#who", "AAAA-AAAA-AAAA");
      await page.fill("#reason", "found unconscious");
      await page.click("#open ~ form button");
      await page.waitForSelector("#who-wrong");
    },
  },
  { page: "/office/organizations", by: "ada" },
  {
    page: "/office/organizations/:organization",
    by: "ada",
    confirmed: true,
    open: (page, { waiting }) => page.goto(`/office/organizations/${waiting}`),
  },
  {
    page: "/office/organizations/:organization (verified)",
    by: "ada",
    confirmed: true,
    open: (page, scene) => page.goto(`/office/organizations/${organization(scene)}`),
  },
  {
    page: "/office/deaths",
    by: "ada",
    confirmed: true,
    open: async (page) => {
      await page.goto("/office/deaths");
      for (const summary of await page.locator("summary").all()) await summary.click();
    },
  },
  {
    page: "/office/deaths (not of the staff)",
    by: "bert",
    refused: true,
    open: (page) => page.goto("/office/deaths"),
  },
  { page: "/office/emergencies", by: "ada" },
  {
    page: "/office/guardians",
    by: "ada",
    confirmed: true,
    open: (page) => openAll(page, "/office/guardians"),
  },
  {
    page: "/office/guardians (of a patient)",
    by: "ada",
    confirmed: true,
    open: (page, { ada }) => lookUp(page, "/office/guardians", ada.patient),
  },
  { page: "/office/staff", by: "ada", confirmed: true },
  {
    page: "/account/nothing (no such page)",
    by: "ada",
    refused: true,
    open: (page) => page.goto("/account/nothing"),
  },
];

describe.skipIf(!hasBrowser)("every page", { timeout: 600_000 }, () => {
  let scene: Scene;
  let browser: Browser;

  beforeAll(async () => {
    await buildDevelopersSite();
    scene = await openScene();
    browser = await openBrowser();
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await scene?.close();
  });

  test("has a row in this table", async () => {
    const shown = new Set(rows.map(({ page }) => page.split(" ", 1)[0]));
    expect((await pageRoutes()).filter((route) => !shown.has(route))).toEqual([]);
  });

  async function enter(context: BrowserContext, { by, of, confirmed }: Row): Promise<void> {
    await context.clearCookies({ name: /^__Host-wellapi(?!-language)/ });
    if (by === undefined) return;
    const account: Account = scene[by];
    if (confirmed) await account.confirm();
    await account.enter(context);
    if (of === undefined) return;
    const cookie = {
      name: "__Host-wellapi-record",
      value: scene[of].patient,
      domain: "localhost",
      path: "/",
    };
    await context.addCookies([{ ...cookie, secure: true, httpOnly: true, sameSite: "Strict" }]);
  }

  const only = process.env.WELLAPI_PAGE;

  test.each(["en", "de"] as const)("can be read and used by everybody (%s)", async (language) => {
    const { context, page } = await openPerson(browser, scene.world.issuer, language);
    const found: string[] = [];
    for (const row of rows.filter((one) => only === undefined || one.page.includes(only))) {
      await enter(context, row);
      if (row.open === undefined) expect((await page.goto(row.page))!.status()).toBe(200);
      else await row.open(page, scene);
      found.push(...(await readingProblems(page, language, row.page)));
      if (language === "en") found.push(...(await keyboardProblems(page, row.page)));
    }
    await context.close();
    expect(found).toEqual([]);
  });

  test("somebody without an account signs up, and has a key of an own organization without an operator", async () => {
    const { context, page } = await openPerson(browser, scene.world.issuer);
    const found = await signUpStory(page, scene.world.issuer, nextAddress());
    await context.close();
    expect(found).toEqual([]);
  });

  test("a developer makes an application, calls with its key, sees the call counted, and has a webhook", async () => {
    const { context, page } = await openPerson(browser, scene.world.issuer);
    await enter(context, { page: "/developers/", by: "ada" });
    const found = await developerStory(page);
    await context.close();
    expect(found).toEqual([]);
  });
});
