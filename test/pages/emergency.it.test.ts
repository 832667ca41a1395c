/** Emergency access on the pages, in a browser: the clinician opens it, the privacy officer ends it and switches it off. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { operatorAt } from "@wellapi/demo/people";
import { EmergencyAccess_State } from "@wellapi/gen/wellapi/consent/v1/emergency_pb";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type MovableClock, openMovableClock } from "../emergency/clock.ts";
import { addApp, signInByMail } from "../emergency/world.ts";
import type { Account } from "./accounts.ts";
import { hasBrowser, openBrowser, openPerson } from "./browser.ts";
import { openScene, type Scene } from "./scene.ts";

describe.skipIf(!hasBrowser)("emergency access on the pages", { timeout: 180_000 }, () => {
  let scene: Scene;
  let browser: Browser;
  let clock: MovableClock;

  beforeAll(async () => {
    clock = openMovableClock();
    scene = await openScene();
    browser = await openBrowser();
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await scene?.close();
    clock.restore();
  });

  async function pageOf(account: Account, locale: "en" | "de" = "en", zone?: string): Promise<Page> {
    const { context, page } = await openPerson(browser, scene.world.issuer, locale, zone);
    onTestFinished(() => context.close());
    await account.enter(context);
    return page;
  }

  const text = async (page: Page, selector = "main") => (await page.locator(selector).textContent()) ?? "";
  const ofAda = () => createClient(EmergencyService, scene.ada.as(scene.ada.patient));
  /** Of those to Ada's record by clinicians of an organization, the company unless given, newest first. */
  const states = async (by = scene.world.company.organization) =>
    (await ofAda().listEmergencyAccesses({})).emergencyAccesses
      .filter(({ organization }) => organization === by)
      .map(({ state }) => EmergencyAccess_State[state]);
  const path = () => `/organizations/${scene.world.company.organization}/emergency`;
  const office = () => `/office/organizations/${scene.world.company.organization}`;

  async function open(page: Page, who: string, reason = "found unconscious at the station"): Promise<void> {
    await page.goto(path());
    await page.fill("#who", who);
    await page.fill("#reason", reason);
    await page.click("#open ~ form button");
  }

  test("a clinician opens it by the code, sees until when and by which number to read, opens it again by that number, and ends both", async () => {
    const { ada } = scene;
    const { emergencyCode } = await ofAda().createEmergencyCode({});
    await ada.confirm();
    const page = await pageOf(ada);
    await page.goto("/account");
    await page.click(`main a[href='${path()}']`);
    await open(page, "0000-0000-0000");
    expect(await text(page, "#who-wrong")).toContain("no such code holds");
    expect(await page.inputValue("#reason")).toBe("found unconscious at the station");
    await open(page, emergencyCode);
    await page.waitForURL(/done=opened/);
    const row = page.locator("main .rows > li").first();
    expect(await row.textContent()).toMatch(
      /Open until .* CES?T[\s\S]*Reason: found unconscious at the station/,
    );
    const patient = (await row.locator("code").textContent())!;
    expect(patient).toMatch(/^pat_/);
    expect(patient).not.toBe(ada.patient);
    await open(page, patient);
    await page.waitForURL(/done=opened/);
    expect(await states()).toEqual(["OPEN", "OPEN"]);
    for (const left of [1, 0]) {
      await page.locator(`button[aria-label='End it now: the access to patient ${patient}']`).first().click();
      await page.waitForURL(/done=ended/); // the second time it is there already
      await expect.poll(async () => (await states()).filter((state) => state === "OPEN").length).toBe(left);
    }
  });

  test("who signed in by an e-mail code alone is sent to confirm first that it is them", async () => {
    const { ada, world } = scene;
    const page = await pageOf(ada);
    const { jar } = await signInByMail(world.issuer, ada.email);
    const cookie = { name: "__Host-wellapi", value: jar.get("__Host-wellapi")!.value, path: "/" };
    const where = { domain: "localhost", secure: true, httpOnly: true, sameSite: "Lax" as const };
    await page.context().addCookies([{ ...cookie, ...where }]);
    await page.goto(path());
    expect(new URL(page.url()).pathname).toBe("/step-up");
  });

  test("the patient's no is said in plain words, and what was typed is kept", async () => {
    const { ada } = scene;
    const { emergencyCode } = await ofAda().createEmergencyCode({});
    await ofAda().refuseEmergencyAccess({});
    await ada.confirm();
    const page = await pageOf(ada, "de");
    await open(page, emergencyCode, "bewusstlos am Bahnhof gefunden");
    await page.waitForSelector("[role=alert]");
    expect(await text(page, "[role=alert]")).toContain("auch nicht im Notfall");
    expect(await page.inputValue("#reason")).toBe("bewusstlos am Bahnhof gefunden");
    await ofAda().allowEmergencyAccess({});
  });

  test("nobody but a clinician of the organization sees the page, and nobody but the privacy officer the office's", async () => {
    const page = await pageOf(scene.bert);
    for (const one of [path(), "/office/emergencies", office()]) {
      expect((await page.goto(one))!.status()).toBe(403);
    }
  });

  /** Bert is a clinician of another organization then, and has opened Ada's record. */
  async function openElsewhere(emergencyCode: string): Promise<void> {
    const { ada, bert, waiting: organization, world } = scene;
    const office = createClient(OrganizationService, ada.as("staff"));
    const agreements = ["data processing agreement 2026-04"];
    const confirmed = { legalName: "Herzzentrum gGmbH", domain: "herz.example", agreements };
    await office.verifyOrganization({ organization, ...confirmed });
    await office.enableEmergencyAccess({ organization });
    await createClient(MemberService, operatorAt(world.server)).inviteMember({
      organization,
      email: bert.email,
      roles: [Role.CLINICIAN],
      requestId: crypto.randomUUID(),
    });
    await bert.accept();
    await bert.confirm();
    await createClient(EmergencyService, bert.as(organization)).openEmergencyAccess({
      who: { case: "emergencyCode", value: emergencyCode },
      reason: "brought in by the ambulance",
      requestId: crypto.randomUUID(),
    });
  }

  test("the privacy officer sees who reads and not why, ends it, switches it off with all that is open, and on again", async () => {
    const { ada, world } = scene;
    const { emergencyCode } = await ofAda().createEmergencyCode({});
    await ada.confirm();
    await openElsewhere(emergencyCode);
    const page = await pageOf(ada);
    await page.goto("/account");
    await page.click("main a[href='/office/emergencies']");
    expect(await text(page)).toContain(world.company.name);
    expect(await text(page)).not.toContain("unconscious");
    for (let opened = 0; opened < 2; opened += 1) {
      await open(page, emergencyCode);
      await page.waitForURL(/done=opened/);
    }
    await page.goto("/office/emergencies");
    await page.locator("main .rows form button").first().click();
    await page.waitForURL(/done=ended/);
    expect((await states()).slice(0, 2)).toEqual(["ENDED", "OPEN"]);

    await page.goto(office());
    expect(await text(page, "section[aria-labelledby=emergency]")).toContain("Switched on since");
    await page.click(`form[action='${office()}/emergency/end'] button`);
    await page.waitForURL(/ended=/);
    // The other one that was open is of the scene, to somebody else's data.
    expect(await text(page, "main [role=status]")).toBe("2 that were open are ended.");
    expect(await text(page, "section[aria-labelledby=emergency]")).toContain("Switched off.");
    expect((await states()).slice(0, 2)).toEqual(["ENDED", "ENDED"]);
    expect(await states(scene.waiting)).toEqual(["OPEN"]);
    await page.goto(path());
    expect(await text(page)).toContain("not switched on for your organization");
    await page.goto(office());
    await page.click(`form[action='${office()}/emergency/on'] button`);
    await page.waitForURL(/done=switched/);
    await page.click(`form[action='${office()}/emergency/off'] button`);
    await expect.poll(() => text(page, "section[aria-labelledby=emergency]")).toContain("Switched off.");
  });

  test("times are in the reader's own zone, which the page names", async () => {
    const [newest] = (await ofAda().listEmergencyAccesses({})).emergencyAccesses;
    const ms = timestampMs(newest!.createTime!);
    // Neither has summer time: the name is the same all the year.
    for (const [zone, locale, name] of [
      ["Asia/Kathmandu", "en", "GMT+5:45"],
      ["America/Phoenix", "de", "GMT-7"],
    ] as const) {
      const page = await pageOf(scene.ada, locale, zone);
      await page.goto("/account/emergency");
      await page.reload();
      const hour = new Intl.DateTimeFormat(locale === "en" ? "en-GB" : "de-DE", {
        timeStyle: "short",
        timeZone: zone,
      }).format(ms);
      expect(await text(page)).toContain(`, ${hour} ${name}`);
    }
  });

  test("once five minutes are over the page says that reads need a confirmation, and leads to it and back", async () => {
    const { ada, world } = scene;
    const { emergencyCode } = await ofAda().createEmergencyCode({});
    await ada.confirm();
    await createClient(OrganizationService, ada.as("staff")).enableEmergencyAccess({
      organization: world.company.organization,
    });
    const app = await addApp(ada);
    await ada.signIn();
    const page = await pageOf(ada);
    await open(page, emergencyCode);
    await page.waitForURL(/done=opened/);
    expect(await text(page, "section[aria-labelledby=own]")).toContain("Yours holds until");
    clock.move(6 * 60_000);
    await page.goto(path());
    expect(await text(page, "section[aria-labelledby=own]")).toContain("Before you read on");
    await page.click("section[aria-labelledby=own] a");
    await page.fill("#totp", app());
    await page.click("form[action='/step-up/code'] button");
    await page.waitForURL(`**${path()}`);
    expect(await text(page, "section[aria-labelledby=own]")).toContain("Yours holds until");
  });
});
