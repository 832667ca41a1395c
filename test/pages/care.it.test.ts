/** Carers, owners, officers and applications on the pages, in a browser: what each does, and what it changes for the others. */
import { createClient } from "@connectrpc/connect";
import { operatorAt } from "@wellapi/demo/people";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { confidentialClient, connect } from "../oauth/world.ts";
import { type Account, openAccount } from "./accounts.ts";
import { hasBrowser, openBrowser, openPerson } from "./browser.ts";
import { mailTo } from "./people.ts";
import { openScene, type Scene } from "./scene.ts";

describe.skipIf(!hasBrowser)("people who act for others", { timeout: 180_000 }, () => {
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

  async function pageOf(account: Account, locale: "en" | "de" = "en"): Promise<Page> {
    const { context, page } = await openPerson(browser, origin, locale);
    onTestFinished(() => context.close());
    await account.enter(context);
    return page;
  }

  const text = async (page: Page, selector = "main") => (await page.locator(selector).textContent()) ?? "";
  const consentsOf = async (account: Account, patient: string) =>
    (await createClient(ConsentService, account.as(patient)).listConsents({ pageSize: 100 })).consents;
  const inForce = async (account: Account) =>
    (await consentsOf(account, account.patient))
      .filter(({ state }) => state === Consent_State.ACTIVE)
      .map(({ id }) => id);

  test("a patient names a carer, who sees whose record it is, until the patient takes it back", async () => {
    const { grace } = scene;
    const carl = await openAccount(origin, { name: "Carl Carer", email: "carl@example.org" });
    const patients = await pageOf(grace);
    await patients.goto("/account/people");
    await patients.click("main a[href='/account/people/invite']");
    await patients.fill("#name", "my brother Carl");
    await patients.fill("#email", carl.email);
    await patients.click("main form button");
    await patients.waitForURL(/done=sent/);
    expect(await text(patients)).toContain("my brother Carl Invited");

    const carers = await pageOf(carl);
    const link = /https?:\/\/\S+#\S+/.exec(await mailTo(origin, carl.email, /#\S/))![0];
    await carers.goto(link);
    await carers.click("main form button");
    await carers.waitForURL(/\/invitations\/offer/);
    expect(await text(carers, "h1")).toBe("Grace Example asks you to be a carer");
    await carers.click("form[action='/invitations/accept'] button");
    await carers.waitForURL(/accepted=1/);
    expect(await text(carers, ".acting")).toMatch(/You act for\s+Grace Example, as a carer/);
    await carers.click("main a[href='/account/permissions']");
    await carers.waitForURL(/permissions/);
    expect(await text(carers, "h1")).toBe("What Grace Example has permitted");
    expect(await text(carers, ".acting")).toContain("Grace Example");
    await carers.goto("/account/people");
    expect(await carers.locator("form[action='/account/people/end']").count()).toBe(0);

    await patients.goto("/account/people");
    await patients.click("button[aria-label='Take back the access of my brother Carl']");
    await patients.waitForURL(/done=ended/);
    await carers.goto("/account/permissions");
    expect(await carers.locator(".acting").count()).toBe(0);
    expect(await text(carers)).toContain("You have given no permission");
  });

  test("who declines an invitation gets nothing, and can still take it", async () => {
    const { grace } = scene;
    const dora = await openAccount(origin, { name: "Dora", email: "declines@example.org" });
    const patients = await pageOf(grace);
    await patients.goto("/account/people/invite");
    await patients.fill("#name", "Dora");
    await patients.fill("#email", dora.email);
    await patients.click("main form button");
    await patients.waitForURL(/done=sent/);
    const page = await pageOf(dora, "de");
    await page.goto(/https?:\/\/\S+#\S+/.exec(await mailTo(origin, dora.email, /#\S/))![0]);
    await page.click("main form button");
    await page.click("form[action='/invitations/decline'] button");
    await page.waitForURL(/declined/);
    expect(await text(page, "h1")).toBe("Sie haben nicht angenommen");
    await page.goto("/account");
    expect(await text(page)).not.toContain("Grace");
    await dora.accept();
    await page.goto("/account");
    expect(await text(page)).toContain("Grace Example");
  });

  test("a form acts for the record that its page named, whatever another window has chosen since", async () => {
    const { ada, grace } = scene;
    const [hers, own] = [await inForce(grace), await inForce(ada)];
    const first = await pageOf(ada);
    await first.goto("/account");
    await first.click("button[aria-label='Open the record of Grace Example']");
    await first.goto("/account/permissions");
    const second = await first.context().newPage();
    await second.goto("/account");
    await second.click("button[aria-label='Open your own record']");
    await second.locator(".acting").waitFor({ state: "detached" });
    await first.locator("form[action$='/revoke'] button").first().click();
    await first.waitForURL(/saved=1/);
    expect(await text(first, "h1")).toBe("What Grace Example has permitted");
    expect(await inForce(grace)).toHaveLength(hers.length - 1);
    expect(await inForce(ada)).toEqual(own);
  });

  test("a form for somebody whom the reader does not act for changes nothing", async () => {
    const { ada, bert, grace } = scene;
    const before = await inForce(grace);
    const page = await pageOf(bert);
    await page.goto("/account/permissions");
    expect(await text(page, "h1")).toBe("What Ada Example has permitted");
    const forged = page.locator("input[name=record]").first();
    await forged.evaluate((field, patient) => field.setAttribute("value", patient), grace.patient);
    await page.locator("form[action$='/revoke'] button").first().click();
    await page.waitForURL(/revoke/);
    expect(await text(page, "h1")).toBe("You no longer act for this person");
    expect(await inForce(grace)).toEqual(before);
    expect((await inForce(ada)).length).toBeGreaterThan(0);
  });

  test("a carer gives the access up under their own name", async () => {
    const { ada, bert } = scene;
    const zoe = await openAccount(origin, { name: "Zoe", email: "zoe@example.org", record: false });
    const patients = await pageOf(ada);
    await patients.goto("/account/people/invite");
    await patients.fill("#name", "Zoe");
    await patients.fill("#email", zoe.email);
    await patients.click("main form button");
    await patients.waitForURL(/done=sent/);
    await zoe.accept();
    const page = await pageOf(zoe);
    await page.goto("/account/people");
    await page.click("form[action='/account/people/give-up'] button");
    await page.waitForURL(/gave=1/);
    expect(await text(page)).toContain("You no longer act for this person.");
    expect(await text(page)).not.toContain("Ada Example");
    expect(bert.patient).toBe("");
  });

  test("the code of a clinic makes the record that it began one's own, once", async () => {
    const patients = createClient(PatientService, operatorAt(scene.world.server));
    const { patient } = await patients.createPatient({
      patient: { displayName: "Begun Elsewhere", timeZones: [{ timeZone: "Europe/Berlin" }] },
      requestId: crypto.randomUUID(),
    });
    const { code } = await patients.createClaimCode({ patient: patient!.id, requestId: crypto.randomUUID() });
    const open = (first: string) =>
      openAccount(origin, { name: first, email: `${first}@example.org`, record: false });
    const page = await pageOf(await open("claims"));
    await page.goto("/account");
    await page.click("main a[href='/account/claim']");
    await page.fill("#claim", "wellapi_cc_wrong");
    await page.press("#claim", "Enter");
    await page.waitForSelector("#claim-wrong");
    await page.fill("#claim", code);
    await page.press("#claim", "Enter");
    await page.waitForURL(/claimed/);
    await page.goto("/account");
    expect(await text(page)).toContain("Your record");
    const other = await pageOf(await open("claims-too"));
    await other.goto("/account/claim");
    await other.fill("#claim", code);
    await other.press("#claim", "Enter");
    await other.waitForSelector("#claim-wrong");
    expect(await text(other, "#claim-wrong")).toContain("was used");
  });

  test("the privacy officer confirms who an organization is and takes it back; nobody else sees the page", async () => {
    const { ada, bert, waiting, world } = scene;
    await ada.confirm();
    const page = await pageOf(ada);
    await page.goto("/office/organizations");
    await page.click("a[aria-label^='Check Herzzentrum']");
    await page.fill("#legal", "Herzzentrum gGmbH");
    await page.fill("#domain", "not a domain");
    await page.fill("#agreements", "data processing agreement\nnetwork agreement");
    await page.click("main form button");
    await page.waitForSelector("#domain-wrong");
    expect(await page.inputValue("#legal")).toBe("Herzzentrum gGmbH");
    await page.fill("#domain", "herz.example");
    await page.click("main form button");
    await page.waitForURL(/done=confirmed/);
    const shown = async () =>
      (await world.organizations.getOrganization({ organization: waiting })).organization!.verification;
    expect(await shown()).toMatchObject({
      legalName: "Herzzentrum gGmbH",
      domain: "herz.example",
      agreements: ["data processing agreement", "network agreement"],
    });
    await page.click("a[aria-label^='Details of Herzzentrum']");
    await page.click("form[action$='/unverify'] button");
    await page.waitForURL(/done=unverified/);
    expect(await shown()).toBeUndefined();
    const others = await pageOf(bert);
    expect((await others.goto("/office/organizations"))!.status()).toBe(403);
    expect(await text(others)).not.toContain("Herzzentrum");
  });

  test("an owner invites somebody, changes what they may do, and removes them", async () => {
    const { ada, world } = scene;
    const { organization } = world.company;
    await ada.confirm();
    const page = await pageOf(ada);
    const path = `/organizations/${organization}/members`;
    const otto = await openAccount(origin, { name: "Otto", email: "otto@example.org", record: false });
    await page.goto(path);
    await page.fill("#email", otto.email);
    await page.check(`#role-${Role.DEVELOPER}-new`);
    await page.click(`form[action='${path}/invite'] button`);
    await page.waitForURL(/done=invited/);
    await otto.accept();
    await page.goto(path);
    const row = page.locator("li", { hasText: otto.email });
    await row.locator("summary").click();
    await row.getByLabel(/^clinician/).check();
    await row.locator("form[action$='/roles'] button").click();
    await page.waitForURL(/done=saved/);
    const members = createClient(MemberService, ada.as(organization));
    const roles = async () =>
      (await members.listMembers({ organization })).members.find(({ email }) => email === otto.email)?.roles;
    expect(await roles()).toEqual([Role.DEVELOPER, Role.CLINICIAN]);
    const ottos = await pageOf(otto);
    await ottos.goto(path);
    expect(await text(ottos)).toContain("developer, clinician");
    expect(await ottos.locator("form[action$='/invite']").count()).toBe(0);
    await page.click(`button[aria-label='Remove ${otto.email}']`);
    await expect.poll(roles).toBeUndefined();
    expect((await ottos.goto(path))!.status()).toBe(403);
  });

  test("a connected app is seen, and stopped: its permission has ended", async () => {
    const { ada, world } = scene;
    // Any page of an application's would do; this one is there.
    const back = `${origin}/recovery/stopped`;
    const { configuration } = await confidentialClient(world, { redirectUris: [back] });
    const page = await pageOf(ada);
    const before = await inForce(ada);
    await page.goto((await connect(configuration, { redirect_uri: back })).url.href);
    await page.locator("input[name=acting]").first().check();
    await page.click("#agree button");
    await page.waitForURL(`${back}**`);
    expect(await inForce(ada)).toHaveLength(before.length + 1);
    await page.goto("/account/apps");
    expect(await text(page, "main .card")).toMatch(/Heart Verified\s+by Pulse Makers/);
    await page.locator("form[action='/account/apps/stop'] button").first().click();
    await page.waitForURL(/stopped=1/);
    expect(await text(page)).toContain("No app is connected.");
    expect(await inForce(ada)).toEqual(before);
  });

  test.each([
    ["en", "The application's request can't be answered"],
    ["de", "Die Anfrage der Anwendung kann nicht beantwortet werden"],
  ] as const)(
    "an application's wrong request ends on our own page, and leads nowhere (%s)",
    async (locale, title) => {
      const { context, page } = await openPerson(browser, origin, locale);
      onTestFinished(() => context.close());
      const { id: app } = await confidentialClient(scene.world);
      const evil = "https://evil.example/<script>alert(1)</script>";
      for (const client of ["app_nobody", app]) {
        const query = new URLSearchParams({ client_id: client, redirect_uri: evil, response_type: "code" });
        const answer = (await page.goto(`/oauth2/authorize?${query}`))!;
        expect(answer.status()).toBe(400);
        expect(answer.headers()["content-security-policy"]).toContain("default-src 'none'");
        expect(await text(page, "h1")).toBe(title);
        expect(new URL(page.url()).origin).toBe(origin);
        const links = await page
          .locator("a, form, meta[http-equiv]")
          .evaluateAll((all) =>
            all.map(
              (one) => one.getAttribute("href") ?? one.getAttribute("action") ?? one.getAttribute("content"),
            ),
          );
        expect(links.filter((link) => link?.startsWith("http") || link?.startsWith("//"))).toEqual([]);
        expect(await page.locator("script:not([src])").count()).toBe(0);
      }
    },
  );

  test("a person asks to become a guardian, the officer confirms, and the patient disputes: each sees it on a page", async () => {
    const { ada } = scene;
    const [kim, alex] = await Promise.all([
      openAccount(origin, { name: "Kim Child", email: "kim@example.org" }),
      openAccount(origin, { name: "Alex Parent", email: "alex@example.org", record: false }),
    ]);
    const patients = await pageOf(kim);
    await patients.goto("/account/people");
    await patients.click("main a[href='/account/people/guardian-code']");
    await patients.click("main form button");
    const code = await text(patients, "main .notice strong");

    const persons = await pageOf(alex);
    await persons.goto("/account");
    await persons.click("main a[href='/account/guardianships']");
    await persons.click("main a[href='/account/guardianships/ask']");
    await persons.fill("#claim", code);
    await persons.press("#claim", "Enter");
    await persons.waitForSelector("#patient-name");
    const shown = await text(persons);
    expect(shown).toContain("checked by: WellAPI's privacy officer");
    expect(shown).not.toContain("Kim");
    await persons.fill("#name", "Alex Parent");
    await persons.fill("#patient-name", "Kim");
    await persons.fill("#grounds", "birth certificate 77/2019");
    await persons.fill("#birth", "2019-03-31");
    await persons.press("#grounds", "Enter");
    await persons.waitForURL(/done=sent/);
    expect(await text(persons)).toMatch(/Kim Waits/);
    await patients.goto("/account/people");
    expect(await text(patients)).toMatch(/Alex Parent Waits[\s\S]*alex@example.org/);
    expect(await text(patients)).not.toContain("birth certificate");

    await ada.confirm();
    const office = await pageOf(ada);
    await office.goto("/office/guardians");
    const waiting = office.locator("li").filter({ hasText: "Alex Parent" });
    await waiting.locator("summary").click();
    await waiting.locator("input[id^=seen-]").fill("birth certificate and identity card");
    // Of a child nobody becomes a guardian without the date in the papers.
    await waiting.getByRole("button", { name: "Confirm: this person may act" }).click();
    await office.waitForSelector("[role=alert]");
    await waiting.locator("summary").click();
    await waiting.locator("input[id^=seen-]").fill("birth certificate and identity card");
    await waiting.locator("input[id^=born-]").fill("2019-03-31");
    await waiting.getByRole("button", { name: "Confirm: this person may act" }).click();
    await office.waitForSelector("[role=status]");
    expect(await office.locator("li").filter({ hasText: "Alex Parent" }).count()).toBe(0);

    await persons.goto("/account/permissions");
    expect(await text(persons, ".acting")).toMatch(/Kim Child, as a guardian/);
    await patients.goto("/account/people");
    const row = patients
      .locator("li")
      .filter({ hasText: "Alex Parent" })
      .filter({ has: patients.locator("summary") });
    await row.locator("summary").click();
    await row.locator("input[name=reason]").fill("the court has ended it");
    await row.locator("input[name=reason]").press("Enter");
    await patients.waitForURL(/done=disputed/);
    expect(await text(patients)).toContain("Stopped until checked again");

    await persons.goto("/account/permissions");
    expect(await persons.locator(".acting").count()).toBe(0);
    await persons.goto("/account/guardianships");
    expect(await text(persons)).toMatch(
      /Kim Child Stopped until checked again[\s\S]*You cannot act until it is decided/,
    );
    await office.goto("/office/guardians");
    expect(await text(office, "section:has(#disputes)")).toMatch(/Alex Parent[\s\S]*the court has ended it/);
    await office.getByRole("button", { name: "Show the patient for whom Alex Parent asks" }).click();
    const decided = office.locator("li").filter({ hasText: "Alex Parent" });
    await decided.locator("summary").click();
    await decided.locator("select").selectOption({ label: "May act" });
    await decided.locator("input[name=reason]").fill("the court says otherwise");
    await decided.locator("input[name=reason]").press("Enter");
    await office.waitForSelector("[role=status]");
    await persons.goto("/account/permissions");
    expect(await text(persons, ".acting")).toMatch(/Kim Child, as a guardian/);
    // In Kim's log the dispute was read once: not again by the page that shows the patient.
    const log = createClient(AuditService, kim.as(kim.patient));
    const read = async () =>
      (await log.listAccesses({ pageSize: 500 })).accesses
        .map(({ access }) => access?.method.split("/").at(-1))
        .filter((name) => name === "ListDisputes" || name === "SetGuardianState");
    await expect.poll(read, { timeout: 15_000 }).toEqual(["SetGuardianState", "ListDisputes"]);
  });
});
