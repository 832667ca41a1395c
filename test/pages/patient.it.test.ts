/** The patient's own pages, in a real browser against a whole exchange. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { temporaryFolder } from "@wellapi/demo/server";
import type { LoggedAccess } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { AuditService, ListAccessesRequestSchema } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { BatchGetOrganizationsRequestSchema } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { Notice_Kind } from "@wellapi/gen/wellapi/notices/v1/notices_pb";
import { NoticesService } from "@wellapi/gen/wellapi/notices/v1/notices_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openPushService, type PushService } from "../../services/notices/test/push-service.ts";
import { filesOf } from "../export/zip.ts";
import { openAccount } from "./accounts.ts";
import { hasBrowser, openBrowser, openPerson } from "./browser.ts";
import { lies } from "./lies.ts";
import { openPatientScene, type PatientScene } from "./patient-scene.ts";
import { forcePress, openPushBrowser, shownMessages } from "./push-browser.ts";
import { keyboardProblems, readingProblems } from "./readable.ts";

/** Compressed, of everything that the overview loads before it shows something. */
const mostBytes = 200_000;

describe.skipIf(!hasBrowser)("the patient's pages, in a browser", { timeout: 120_000 }, () => {
  const folder = temporaryFolder();
  let push: PushService;
  let scene: PatientScene;
  let browser: Browser;

  beforeAll(async () => {
    push = await openPushService();
    // Processes of a mesh trust the push service by a file.
    const trusted = join(folder.path, "push.pem");
    writeFileSync(trusted, push.authority);
    scene = await openPatientScene({ WELLAPI_PUSH_HOSTS: push.host, NODE_EXTRA_CA_CERTS: trusted });
    browser = await openBrowser();
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await scene?.close();
    await push?.close();
    folder.remove();
  });

  /** Ada, signed in. */
  async function ada(
    locale: "en" | "de" = "en",
    serviceWorkers: "allow" | "block" = "block",
  ): Promise<{ context: BrowserContext; page: Page }> {
    const person = await openPerson(browser, scene.origin, locale, undefined, serviceWorkers);
    onTestFinished(() => person.context.close());
    await scene.ada.enter(person.context);
    return person;
  }

  /** Has everything that it waits for. The stream of the inbox stays open, so that the network is never idle. */
  async function settled(page: Page): Promise<void> {
    // The document has a heading of its own until the pages are there.
    await page.locator(".tabs").waitFor();
    await page.locator("main h1").waitFor();
    await expect.poll(() => page.locator(".loading").count()).toBe(0);
  }

  /** What comes by way of several loops, on a machine that has three browsers and a mesh beside them. */
  const slow = { timeout: 40_000 };

  test("who is not signed in does so first, and comes back to where they wanted to be", async () => {
    const { context, page } = await openPerson(browser, scene.origin);
    onTestFinished(() => context.close());
    await page.goto("/me/log");
    const at = new URL(page.url());
    expect([at.pathname, at.searchParams.get("continue")]).toEqual(["/sign-in", "/me/log"]);
  });

  test("the overview says who can see what, and what was read, under 200 KB and from this origin alone", async () => {
    const { page } = await ada();
    const finished: Promise<{ readonly url: string; readonly bytes: number }>[] = [];
    page.on("requestfinished", (request) => {
      finished.push(request.sizes().then((sizes) => ({ url: request.url(), bytes: sizes.responseBodySize })));
    });
    const document = await page.goto("/me/");
    await says(page, "1 organization can read data of yours.");
    await says(page, "Can see: Activity and Heart");
    await says(page, /^Herzzentrum für Prävention und Rehabilitation read heart rate: 60 values\.$/);
    expect(await page.locator("main").textContent()).not.toMatch(/\b(con|org|pat|acc)_/);
    const policy = document!.headers()["content-security-policy"]!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("connect-src 'self'");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toMatch(/unsafe|data:|blob:|https?:/);
    await settled(page);
    const answers = await Promise.all(finished);
    expect(answers.every(({ url }) => url.startsWith(scene.origin))).toBe(true);
    const loaded = answers.filter(({ url }) => /\/me\//.test(url));
    expect(loaded.length).toBeGreaterThan(3);
    expect(loaded.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(mostBytes);
  });

  test("of many organizations 48 are shown, by one question for their names, and the others after a press", async () => {
    const reader = await openAccount(scene.origin, { name: "Mona Many", email: "mona@example.org" });
    const permitted = await scene.permitNew(reader, 50);
    const { context, page } = await openPerson(browser, scene.origin);
    onTestFinished(() => context.close());
    await reader.enter(context);
    const asked: string[][] = [];
    page.on("request", (request) => {
      if (!request.url().includes("/wellapi.identity.v1.OrganizationService/")) return;
      expect(new URL(request.url()).pathname).toMatch(/BatchGetOrganizations$/);
      asked.push(fromBinary(BatchGetOrganizationsRequestSchema, request.postDataBuffer()!).organizations);
    });
    await page.goto("/me/");
    await settled(page);
    const names = page.locator(".tile h3 a");
    expect(await names.count()).toBe(48);
    expect(asked.map((ids) => ids.length)).toEqual([48]);
    await page.getByRole("button", { name: "Show more (2 are left)" }).click();
    await expect.poll(() => names.count()).toBe(50);
    expect((await names.allTextContents()).sort()).toEqual([...permitted].sort());
    expect(asked.map((ids) => ids.length)).toEqual([48, 2]);
    expect(await page.getByRole("button", { name: /^Show more/ }).count()).toBe(0);
  });

  test("a tab that nobody looks at asks for nothing, so that it keeps no session alive", async () => {
    const { page } = await ada();
    await page.clock.install();
    await page.goto("/me/");
    await says(page, "1 organization can read data of yours.");
    await settled(page);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.clock.fastForward("02:00:00");
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => done()))");
    expect(asked).toEqual([]);
  });

  test("one press stops an organization, says when, and another tab shows it", async () => {
    const reader = await scene.addReader("Stopped Soon");
    await reader.read();
    const { context, page } = await ada();
    const other = await context.newPage();
    await other.goto("/me/");
    await other.getByRole("link", { name: "Stopped Soon" }).waitFor();
    await page.bringToFront();
    await page.goto("/me/");
    await page.getByRole("link", { name: "Stopped Soon" }).click();
    await leaveOutAndGive(page);
    await page.getByRole("button", { name: "Stop now: Stopped Soon" }).click();
    await says(page, /^Stopped at \d\d:\d\d:\d\d\. Nothing was sent after that\.$/);
    await says(page, "It has no permission any more.");
    await other.getByRole("link", { name: "Stopped Soon" }).waitFor({ state: "detached" });
    await expect(reader.read()).rejects.toThrow("No consent in force");
    await says(page, /^1 read, 60 values$/);
    const duty = async () => {
      await page.reload();
      await settled(page);
      return page.getByText(/^Not answered yet\. It has time until /).count();
    };
    await expect.poll(duty, { timeout: 15_000 }).toBe(1);
    await says(page, "It got: Heart");
    expect(await readingProblems(page, "en", "me-organization-duty")).toEqual([]);
    await page.getByText("Use a right").click();
    await page.getByLabel("What do you demand?").selectOption("portability");
    await page.getByLabel("In your own words").fill("everything since March");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await says(page, /^Sent\. It has to answer by /);
    await says(page, "everything since March");
    expect(await readingProblems(page, "en", "me-organization-rights")).toEqual([]);
    await page.getByRole("button", { name: "Take it back" }).click();
    await says(page, /^You took it back on /);
  });

  test("a request is seen beside what the organization has, narrowed, and agreed to", async () => {
    const asker = await scene.ask("Asks Nicely");
    const { page } = await ada();
    await page.goto("/me/");
    await says(page, /^Asks Nicely asks you for permission\. Answer by /);
    await page.getByRole("link", { name: "Look at it, and decide" }).click();
    await says(page, "To see <b>how</b> you sleep");
    await says(page, "Sends: Body");
    expect(await readingProblems(page, "en", "me-request")).toEqual([]);
    await page.getByRole("button", { name: "Look at it as the organization does" }).click();
    // By the hour nothing is told before the hour has ended, and nothing single at all.
    await page.getByText("What stays with you").click();
    await says(page, "Heart rate: 60 of 60 values: it gets averages only");
    await says(page, "Steps: 60 of 60 values: not part of it");
    expect(await readingProblems(page, "en", "me-request-preview")).toEqual([]);
    await page.getByLabel("Heart").uncheck();
    // It follows what is taken out.
    await says(page, "Heart rate: 60 of 60 values: not part of it");
    await page.getByLabel("How fine").selectOption({ label: "only averages by the day" });
    await page.getByLabel("Whose data").selectOption({ label: "only what Asks Nicely sent" });
    await page.getByLabel("Until when").selectOption({ label: "30 days" });
    await page.getByRole("button", { name: "Agree" }).click();
    await says(page, /^You agreed at \d\d:\d\d:\d\d\.$/);
    const consent = (await asker.consents()).find(
      ({ notice, validity }) => validity !== undefined && !notice?.uri,
    )!;
    expect(consent.provisions).toMatchObject([
      {
        categories: [{ name: "sleep" }],
        resolution: Resolution.DAILY,
        purposes: [Purpose.TREATMENT],
        sources: { organizations: [consent.grantee] },
      },
    ]);
    const days = (Number(consent.validity!.endTime!.seconds) - Date.now() / 1_000) / 86_400;
    expect(Math.abs(days - 30)).toBeLessThan(0.01);
  });

  test("what an organization sees is looked at as it sees it, and the log says who looked", async () => {
    const { page } = await ada();
    await page.goto("/me/");
    await page.getByRole("link", { name: "Herzzentrum" }).first().click();
    await page.getByRole("button", { name: "Look at it as the organization does" }).click();
    const card = page.locator("section", {
      has: page.getByRole("heading", { name: "Exactly what it sees" }),
    });
    await card
      .getByText(/^60 values, .*, every single value$/)
      .first()
      .waitFor();
    await card
      .getByText(/^The first: 70 /)
      .first()
      .waitFor();
    await card.getByText("What stays with you").click();
    await card.getByText("Nothing: it would see all that is in your record.").waitFor();
    await card.getByLabel("Of which permission").selectOption({ index: 1 });
    await card
      .getByText(/^60 values, /)
      .first()
      .waitFor();
    expect(await readingProblems(page, "en", "me-organization-preview")).toEqual([]);
    await page.goto("/me/log");
    await page.getByLabel("Show").selectOption({ label: "Everything, also my own" });
    await says(page, /^You looked at what Herzzentrum für Prävention und Rehabilitation sees\.$/);
  });

  test("who erases everything types a word, and gets the receipt", async () => {
    const grace = await openAccount(scene.origin, { name: "Grace Example", email: "grace@example.org" });
    const { context, page } = await openPerson(browser, scene.origin);
    onTestFinished(() => context.close());
    await grace.confirm();
    await grace.enter(context);
    await page.goto("/me/settings");
    await page.getByText("I want to erase everything").click();
    const button = page.getByRole("button", { name: "Erase everything for ever" });
    expect(await button.isDisabled()).toBe(true);
    await page.getByLabel("Type ERASE to go on.").fill("erase");
    await button.click();
    await says(page, "Everything is erased");
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download the receipt" }).click();
    const receipt = await readStream(await (await download).createReadStream());
    expect(receipt.split(".")).toHaveLength(3);
  });

  test("the log tells a stranger who asks to act for the patient from the patient", async () => {
    await scene.petition();
    const { page } = await ada();
    await page.goto("/me/log");
    await says(page, "A signed-in person asked to act for you.");
    await page.getByLabel("Show").selectOption({ label: "Everything, also my own" });
    await says(page, /^You /);
    expect(await page.getByText(/^A signed-in person/).count()).toBe(1);
    await page.getByLabel("Kind of data").selectOption({ label: "Heart" });
    await says(page, /^Herzzentrum für Prävention und Rehabilitation read heart rate/);
    expect(await page.getByText(/^A signed-in person/).count()).toBe(0);
    await page
      .getByLabel("Organization")
      .selectOption({ label: "Herzzentrum für Prävention und Rehabilitation" });
    await page.getByLabel("Time").selectOption({ label: "Last 7 days" });
    await page.getByLabel("Kind of data").selectOption({ label: "Sleep" });
    await says(page, "There is no such entry in what was looked through.");
    await page.getByLabel("Kind of data").selectOption({ label: "Heart" });
    await page.getByLabel("Show").selectOption({ label: "What others did" });
    await says(page, /^Herzzentrum für Prävention und Rehabilitation read heart rate/);
  });

  test("the browser proves the log, against what the device has kept", async () => {
    // The log's first page has the newest alone, and the tests before have left many.
    await scene.readAgain();
    const { page } = await ada();
    await page.goto("/me/log");
    await says(page, /^Herzzentrum für Prävention und Rehabilitation read heart rate \(60 values\)\.$/);
    await prove(page);
    await says(page, /^Your device keeps a fingerprint of the log from now on\./);
    await says(page, /^All \d+ entries that are shown below are in the log/);
    const kept = await fingerprint(page);
    await scene.readAgain();
    await page.reload();
    await prove(page);
    await says(page, /^Nothing was changed since /);
    await says(page, /^Since then .+ entries of all patients were added\.$/);
    expect(await fingerprint(page)).not.toEqual(kept);
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download the proof" }).click();
    const file = JSON.parse(await readStream(await (await download).createReadStream()));
    expect(file).toMatchObject({ format: "wellapi-log-proof/1", before: kept.checkpoint });
    expect(file.entries.length).toBeGreaterThan(2);
  });

  test.each([
    ["a proof of growth", "GetConsistencyProof"],
    ["a proof of an entry", "GetInclusionProof"],
    ["the entries themselves", "ListAccesses"],
  ] as const)(
    "says that the check has failed where somebody changes %s, and keeps what it had",
    async (_what, method) => {
      const { page } = await ada();
      await page.goto("/me/log");
      await prove(page);
      await says(page, /fingerprint of the log from now on/);
      const kept = await fingerprint(page);
      await scene.readAgain();
      await page.route(`**/wellapi.audit.v1.AuditService/${method}`, async (route) => {
        // What the browser would say of its page.
        const headers = { ...route.request().headers(), "sec-fetch-site": "same-origin" };
        const body = Buffer.from(lies[method](await (await route.fetch({ headers })).body()));
        await route.fulfill({ contentType: "application/proto", body });
      });
      await page.reload();
      await prove(page);
      await page.getByText("The check has failed").waitFor();
      expect(await fingerprint(page)).toEqual(kept);
    },
  );

  test("says what is the matter where scripts are held back, and where an upgrade took them away", async () => {
    const { page } = await ada();
    await page.route("**/me/assets/me-*.js", (route) => route.abort());
    await page.goto("/me/");
    await page.evaluate("document.getAnimations().forEach((one) => one.finish())");
    await says(page, /^This page needs its script/);
    await page.unroute("**/me/assets/me-*.js");

    let documents = 0;
    page.on("request", (request) => {
      if (request.isNavigationRequest()) documents += 1;
    });
    await page.route("**/me/assets/log-*.js", (route) => route.fulfill({ status: 404 }));
    await page.goto("/me/");
    await page.getByRole("link", { name: "Log", exact: true }).click();
    await says(page, "This page is from before an update. Load it again.");
    expect(documents).toBe(2);
  });

  test("what happens shows at once in the open inbox and in the menu of each tab, and is marked as read", async () => {
    const { context, page } = await ada();
    await page.goto("/me/notices");
    await settled(page);
    const other = await context.newPage();
    await other.goto("/me/");
    // A tab behind another is drawn seldom, so that each press on it would wait.
    await page.bringToFront();
    const unread = async (tab: Page) =>
      Number.parseInt((await tab.locator('a[href="/me/notices"] .count').textContent()) ?? "", 10);
    const text = "Herzzentrum für Prävention und Rehabilitation was given a permission.";
    const given = page.getByText(text, { exact: true });
    const before = await given.count();
    await scene.permit("sleep");
    await expect.poll(() => given.count()).toBe(before + 1);
    await see(page, "hidden");
    await scene.permit("body");
    await expect.poll(() => unread(other)).toBe((await unread(page)) + 1);
    await see(page, "visible");
    await expect.poll(() => given.count()).toBe(before + 2);
    const count = await unread(page);
    await page
      .getByRole("button", { name: `Mark as read: ${text}` })
      .first()
      .click();
    for (const tab of [page, other]) await expect.poll(() => unread(tab)).toBe(count - 1);
    await page.reload();
    await page.getByText("Unread", { exact: true }).first().click();
    await expect.poll(() => given.count()).toBe(before + 1);
    await page
      .getByRole("link", { name: `Look: ${text}` })
      .first()
      .click();
    await page.getByRole("heading", { name: "Herzzentrum" }).waitFor();
    await expect.poll(() => unread(page)).toBe(count - 2);
  });

  test("how a patient is told is saved as often as it is changed, and stays", async () => {
    const { page } = await ada();
    await page.goto("/me/notices");
    await page.getByText("What e-mails tell of").click();
    await page.getByLabel("An organization reads at night").uncheck();
    await page.getByRole("button", { name: "Save" }).click();
    await says(page, "Saved.");
    await page.getByLabel("Quiet hours").check();
    await page.getByLabel("From").fill("21:30");
    await page.getByLabel("Until").fill("21:30");
    await says(page, "Quiet hours begin and end at different times.");
    expect(await page.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
    await page.getByLabel("Until").fill("06:15");
    expect(await readingProblems(page, "en", "me-notices-open")).toEqual([]);
    await page.getByRole("button", { name: "Save" }).click();
    await says(page, "Saved.");
    const { preferences } = await createClient(
      NoticesService,
      scene.ada.as(scene.ada.patient),
    ).getPreferences({});
    expect(preferences).toMatchObject({
      email: { enabled: true, mutedKinds: expect.arrayContaining([Notice_Kind.ACCESS_AT_NIGHT]) },
      quietHours: { startMinute: 1_290, endMinute: 375 },
    });
    await page.reload();
    await expect.poll(() => page.getByLabel("Until").inputValue()).toBe("06:15");
    // What comes later in this file is told at any time of the day.
    await page.getByLabel("Quiet hours").uncheck();
    await page.getByRole("button", { name: "Save" }).click();
    await says(page, "Saved.");
  });

  test("a browser is told of what happens after one press, also at a new address, until it is removed", async () => {
    const { context, page } = await ada("en", "allow");
    const here = await openPushBrowser(context, page, push);
    const client = createClient(NoticesService, scene.ada.as(scene.ada.patient));
    const ids = async () => (await client.listPushSubscriptions({})).pushSubscriptions.map(({ id }) => id);
    const newest = async () => (await client.listNotices({})).notices[0]?.id;
    /** The id of the notice of it, which has reached the browser, whatever else was told meanwhile. */
    const permitted = async (category: string): Promise<string> => {
      const before = await newest();
      await scene.permit(category);
      await expect.poll(newest, slow).not.toBe(before);
      const told = (await newest())!;
      const reached = () => push.to(here.browser()).map((one) => one.message.id);
      await expect.poll(reached, slow).toContain(told);
      return told;
    };
    await page.goto("/me/notices");
    await page.getByRole("button", { name: "Tell me in this browser" }).click();
    await says(page, "Notices reach this browser.");
    const [first, ...others] = await ids();
    expect(others).toEqual([]);
    expect(await readingProblems(page, "en", "me-notices-told")).toEqual([]);
    await expect(
      page.evaluate("navigator.serviceWorker.register('/me/service-worker.js')"),
    ).rejects.toThrow();
    await expect(page.evaluate("trustedTypes.createPolicy('other', {})")).rejects.toThrow();

    const told = await permitted("sleep");
    const { message } = push.to(here.browser()).find((one) => one.message.id === told)!;
    await here.deliver(JSON.stringify(message));
    const shown = { title: "WellAPI", body: "A consent was granted from your account.", tag: message.id };
    await expect.poll(() => shownMessages(page)).toEqual([shown]);
    await page.goto("/me/data");
    expect(await forcePress(context, message.id!)).toBe("/me/notices");
    expect(await shownMessages(page)).toEqual([]);
    await here.deliver("not of this exchange");
    await expect.poll(() => shownMessages(page)).toMatchObject([{ body: "There is a new notice for you." }]);

    await page.goto("/me/notices");
    await says(page, "Notices reach this browser.");
    await here.move();
    await expect.poll(ids).not.toContain(first);
    await expect.poll(ids).toHaveLength(1);
    await expect.poll(() => shownMessages(page)).toContainEqual(expect.objectContaining({ tag: "moved" }));
    await permitted("body");

    const switchOn = page.getByRole("button", { name: "Tell me in this browser" });
    const remove = async () => {
      await page.getByRole("button", { name: "Remove: This browser, since " }).click();
      await switchOn.waitFor();
    };
    const endOther = await here.followOther();
    await remove();
    expect([await ids(), await here.subscribed()]).toEqual([[], true]);
    await endOther();
    await switchOn.click();
    await remove();
    expect([await ids(), await here.subscribed()]).toEqual([[], false]);
  }, 120_000);

  test("a browser that cannot show messages, may not, or has no push service says so, and is not subscribed", async () => {
    const { context, page } = await ada("en", "allow");
    const client = createClient(NoticesService, scene.ada.as(scene.ada.patient));
    const before = (await client.listPushSubscriptions({})).pushSubscriptions;
    await page.goto("/me/notices");
    const press = () => page.getByRole("button", { name: "Tell me in this browser" }).click();
    // Without a window of its own, the browser answers for its reader: no.
    await press();
    await says(page, /^You have forbidden this browser to show messages of this page/);
    await context.grantPermissions(["notifications"], { origin: scene.origin });
    await page.reload();
    // There is no push service behind this browser, and it says so itself.
    await press();
    await says(page, /^Your browser could not reach its push service/);
    expect((await client.listPushSubscriptions({})).pushSubscriptions).toEqual(before);
    await page.addInitScript("delete globalThis.PushManager");
    await page.reload();
    await says(page, /^This browser cannot show messages of a page/);
  });

  test("the order of devices is saved as often as it is changed, with the places of those that show nothing", async () => {
    const records = createClient(RecordsService, scene.ada.as(scene.ada.patient));
    const { patient } = scene.ada;
    const silent = { organization: scene.clinic.organization, deviceId: "" };
    await records.setDevicePriority({ patient, devices: [silent] });
    const { page } = await ada();
    await page.goto("/me/settings");
    for (const round of [1, 2]) {
      const last = page.getByRole("button", { name: /^Move .* up$/ }).last();
      await last.click();
      await page.getByRole("button", { name: "Save the order" }).click();
      await says(page, "Saved. It holds from now on.");
      const { priority } = await records.getDevicePriority({ patient });
      const ids = priority!.devices.map(({ organization }) => organization);
      const both = [scene.maker.organization, silent.organization];
      expect(ids).toEqual(round === 1 ? both : both.reverse());
    }
  });

  test("a day of several devices is one line, which says why each part of it is of its device", async () => {
    await scene.wearTwo();
    const { page } = await ada();
    await page.goto("/me/data/80404-7");
    await settled(page);
    await page.getByText("Day", { exact: true }).click();
    await page.getByLabel("Source", { exact: true }).selectOption({ label: "All devices as one line" });
    // The first half hour of the watch, and all of the ring: 30 and 60 values from 70 on.
    await says(page, "Between 70 and 129 ms; 95 on average.");
    await page.getByText("Why this line looks like this").click();
    const parts = await page.locator("ol.timeline > li").allInnerTexts();
    const [watch, ring] = ["Watch, sent by Pulse Makers", "Ring, sent by Ring Makers"];
    expect(parts.map((one) => one.replace(/^\d\d:\d\d–\d\d:\d\d: /, "").split(/\n+/))).toEqual([
      [`${watch}. Nothing else measured in this time.`],
      [`${ring}. Your order of devices names it, and not the others.`, `Left out: ${watch}, in 30 minutes.`],
    ]);
    expect(await readingProblems(page, "en", "me-data-merged")).toEqual([]);
    await page.getByText("Week", { exact: true }).click();
    await says(page, "70");
    expect(await page.getByLabel("Source", { exact: true }).locator("option").allTextContents()).toEqual(
      expect.not.arrayContaining(["All devices as one line"]),
    );
  });

  test("a part of the record is prepared, comes as a file, and ends", async () => {
    await scene.ada.confirm();
    const { page } = await ada("de");
    await page.clock.install();
    await page.goto("/me/downloads");
    await page.getByLabel("Herz", { exact: true }).check();
    await page.getByLabel("Von (erster Tag)").fill("2026-03-02");
    await page.getByLabel("Bis (letzter Tag)").fill("2026-03-01");
    const prepare = page.getByRole("button", { name: "Datei vorbereiten" });
    expect(await prepare.isDisabled()).toBe(true);
    expect(await readingProblems(page, "de", "me-downloads-wrong")).toEqual([]);
    await page.getByLabel("Bis (letzter Tag)").fill("2026-03-02");
    await page.getByLabel("Für Auswertungen (Parquet)").uncheck();
    await prepare.click();
    await says(page, "Herz, vom 02.03.2026 bis 02.03.2026: eine Seite zum Lesen, CSV und FHIR.");
    await says(page, /^Herunterladen können Sie sie bis \d\d:\d\d Uhr\.$/);
    const download = page.waitForEvent("download");
    const fetch = page.getByRole("button", { name: "Herunterladen", exact: true });
    await fetch.click();
    const file = await download;
    expect(file.suggestedFilename()).toMatch(/^health-record-part-[\d-]+\.zip$/);
    const files = filesOf(await readAll(await file.createReadStream()));
    expect([...files.keys()]).toEqual(["summary.html", "fhir/Observation.ndjson", "csv/samples.csv"]);
    const rows = files.get("csv/samples.csv")!.toString().trimEnd().split("\r\n").slice(1);
    expect([rows.length, new Set(rows.map((row) => row.split(",")[0]))]).toEqual([120, new Set(["80404-7"])]);
    await says(page, /Gespeichert: \d+ KB\.$/);
    // The button comes anew under the mouse, and fades into the colour of one that is pointed at.
    await page.mouse.move(0, 0);
    await page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))");
    expect(await readingProblems(page, "de", "me-downloads-saved")).toEqual([]);

    const address = (one: URL) => one.pathname.startsWith("/download/");
    await page.route(address, (route) => route.abort());
    await fetch.click();
    await says(page, /Das Herunterladen ist abgebrochen, und nichts wurde gespeichert\./);
    await page.unroute(address);
    await page.clock.fastForward("00:15:01");
    await says(page, /^Diese Datei lässt sich nicht mehr herunterladen\./);
    expect(await fetch.count()).toBe(0);
  });

  test("without a network an open page shows what it had, and nothing of it once it is loaded again or the session may be over", async () => {
    const { context, page } = await ada("en", "allow");
    await page.clock.install();
    await page.goto("/me/");
    await settled(page);
    const keptDocument = () => page.evaluate<string>("caches.match('/me/').then((one) => one?.text() ?? '')");
    await expect.poll(keptDocument).toContain("wellapi-record");
    expect(await keptDocument()).not.toContain(scene.ada.patient);
    const open = (name: string) => page.getByRole("link", { name, exact: true }).first().click();
    await open("My data");
    await says(page, "Heart rate");
    await open("Overview");
    await settled(page);

    await context.setOffline(true);
    await says(page, /^No connection\. You see what was loaded by \d\d:\d\d\./);
    await open("My data");
    await says(page, "Heart rate");
    expect(await readingProblems(page, "en", "me-offline")).toEqual([]);
    // Its script was not asked for yet, and its data was not either.
    await open("Settings");
    await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
    await says(page, /^WellAPI cannot be reached at the moment/);
    await open("My data");
    await says(page, "Heart rate");
    await page.clock.fastForward("00:30:01");
    await says(page, "Without a connection there is nothing to show: no health data is kept on this device.");
    expect(await page.getByText("Heart rate").count()).toBe(0);

    await page.reload();
    await says(page, "Without a connection there is nothing to show: no health data is kept on this device.");
    await context.setOffline(false);
    await page.getByRole("button", { name: "Try again" }).click();
    await says(page, "Heart rate");
    await page.reload();
    await context.setOffline(true);
    await page.reload();
    await says(page, /^Without a connection/);
    expect(await page.locator("body").textContent()).not.toContain("Heart rate");
    const places = "[...Object.keys(localStorage), ...Object.keys(sessionStorage)]";
    expect(await page.evaluate(places)).toEqual([]);
    const stored = await page.evaluate<string[]>(
      "caches.keys().then((names) => Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)))).then((all) => all.flat())",
    );
    expect(stored.filter((path) => !/^\/me\/(assets\/[\w.-]+)?$/.test(path))).toEqual([]);
  });

  const everyPage = (): readonly string[] => [
    "",
    `organizations/${scene.clinic.organization}`,
    "data",
    "data/8867-4",
    "data/55423-8",
    "log",
    "notices",
    "downloads",
    "settings",
    "nowhere",
  ];

  test.each(["en", "de"] as const)(
    "every page can be read and reached by everybody (%s)",
    async (language) => {
      const { page } = await ada(language);
      const found: string[] = [];
      for (const path of everyPage()) {
        await page.goto(`/me/${path}`);
        await settled(page);
        const name = `me-${path}`.replaceAll(/org_[\w-]+/g, "one");
        found.push(...(await readingProblems(page, language, name)));
        if (language === "en") found.push(...(await keyboardProblems(page, name)));
      }
      expect(found).toEqual([]);
    },
  );

  test("older entries are loaded once, and follow without a gap where something has changed meanwhile", async () => {
    const own = scene.ada.as(scene.ada.patient);
    const patients = createClient(PatientService, own);
    const seen = Array.from({ length: 110 }, () => patients.getPatient({ patient: scene.ada.patient }));
    await Promise.all(seen);
    const { context, page } = await ada();
    const held = Promise.withResolvers<void>();
    await page.route("**/wellapi.audit.v1.AuditService/ListAccesses", async (route) => {
      const asked = fromBinary(ListAccessesRequestSchema, route.request().postDataBuffer()!);
      if (asked.pageToken !== "") await held.promise;
      await route.continue();
    });
    await page.goto("/me/log");
    await page.getByLabel("Show").selectOption({ label: "Everything, also my own" });
    const entries = page.locator("ol.timeline > li");
    await expect.poll(() => entries.count()).toBe(100);
    const more = page.getByRole("button", { name: "Show older ones" });
    await more.click();
    await expect.poll(() => more.isDisabled()).toBe(true);
    const other = await context.newPage();
    await other.goto("/me/nowhere");
    await other.evaluate("new BroadcastChannel('wellapi-me').postMessage('change')");
    await page.bringToFront();
    await expect.poll(() => more.isEnabled()).toBe(true);
    held.resolve();
    await more.click();
    await expect.poll(() => entries.count()).toBeGreaterThan(110);
    const shown = await entries.locator("dl dd:last-child").allTextContents();
    expect(new Set(shown).size).toBe(shown.length);
    const listed: string[] = [];
    for await (const { access } of allAccesses(createClient(AuditService, own))) listed.push(access!.id);
    const from = listed.indexOf(shown[0]!);
    expect(shown).toEqual(listed.slice(from, from + shown.length));
  });
});

async function* allAccesses(audit: Client<typeof AuditService>): AsyncGenerator<LoggedAccess> {
  let pageToken = "";
  do {
    const answer = await audit.listAccesses({ pageSize: 500, pageToken });
    yield* answer.accesses;
    pageToken = answer.nextPageToken;
  } while (pageToken !== "");
}

const says = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();

/** On the page of an organization: a source is left out and let through again, and something is given unasked. */
async function leaveOutAndGive(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Leave something out" }).click();
  await page
    .getByRole("button", { name: /^Leave out: Everything from / })
    .first()
    .click();
  const again = page.getByRole("button", { name: /^Let it see again: Everything from / });
  await again.waitFor();
  await page.getByRole("button", { name: "Look at it as the organization does" }).click();
  await says(page, "Nothing of what is in your record now.");
  await again.click();
  await again.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Choose what it may see" }).click();
  await page.getByLabel("Sleep").check();
  await page.getByLabel("Leave out notes and other free text").check();
  await page.getByLabel("Until when").selectOption({ label: "7 days" });
  expect(await readingProblems(page, "en", "me-organization-grant")).toEqual([]);
  await page.getByRole("button", { name: "Permit it" }).click();
  await says(page, "You have permitted it. It stands above, with all that it may see.");
  await says(page, "every single value, without notes and other free text");
}

async function prove(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Check now" }).click();
}

/** What the browser does where the reader goes to another tab, and comes back. */
async function see(page: Page, state: "hidden" | "visible"): Promise<void> {
  await page.evaluate(
    `Object.defineProperty(document, "visibilityState", { value: "${state}", configurable: true });
     document.dispatchEvent(new Event("visibilitychange"));`,
  );
}

function fingerprint(page: Page): Promise<{ readonly checkpoint: string }> {
  return page.evaluate<{ readonly checkpoint: string }>("JSON.parse(localStorage.getItem('wellapi-log'))");
}

async function readStream(stream: AsyncIterable<Buffer>): Promise<string> {
  return (await readAll(stream)).toString("utf8");
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}
