/** An application connects patients, in a browser: by the pages alone, and by `openid-client` at the application. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "@connectrpc/connect";
import { Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { OAuthClient_GrantType as GrantType } from "@wellapi/gen/wellapi/identity/v1/oauth_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import * as oidc from "openid-client";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { clientKey, confidential, openWorld, type World } from "../oauth/world.ts";
import { addAuthenticator, hasBrowser, openBrowser, openPerson } from "./browser.ts";
import { enterCode, register, signInByCode } from "./people.ts";
import { findings, sideways } from "./readable.ts";

const terms = {
  directions: [Direction.CONTRIBUTE, Direction.READ],
  categories: [{ name: "heart" }, { name: "activity" }, { name: "sleep" }],
  purposes: [Purpose.TREATMENT],
  resolution: Resolution.RAW,
  duration: { seconds: 31_536_000n },
  why: "To show your doctor <b>how</b> your heart is doing",
};
const scope = "openid offline_access launch/patient patient/Observation.rs";

describe.skipIf(!hasBrowser)("an application connects a patient, in a browser", { timeout: 120_000 }, () => {
  let world: World;
  let browser: Browser;
  let app: Server;
  let callback: string;
  let configuration: oidc.Configuration;
  let counter = 0;

  beforeAll(async () => {
    world = await openWorld();
    browser = await openBrowser();
    app = createServer((_request, response) => response.end("back at the application"));
    await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
    callback = `http://localhost:${(app.address() as AddressInfo).port}/callback`;
    const key = await clientKey("ES256");
    const id = await world.register({
      ...confidential,
      grantTypes: [GrantType.AUTHORIZATION_CODE, GrantType.DEVICE_CODE],
      redirectUris: [callback],
      jwks: key.jwks,
      connectTerms: terms,
    });
    configuration = await world.configuration(id, oidc.PrivateKeyJwt({ key: key.key, kid: key.kid }));
  });
  afterAll(async () => {
    await browser?.close();
    app?.close();
    await world?.close();
  });

  async function person(locale: "en" | "de" = "en") {
    const opened = await openPerson(browser, world.issuer, locale);
    onTestFinished(() => opened.context.close());
    await addAuthenticator(opened.page);
    counter += 1;
    return { ...opened, email: `connects-${counter}@example.org` };
  }

  /** Where the application sends the browser. */
  async function begin() {
    const verifier = oidc.randomPKCECodeVerifier();
    const url = await oidc.buildAuthorizationUrlWithPAR(configuration, {
      redirect_uri: callback,
      scope,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state: "s1",
    });
    return { url: url.href, verifier };
  }

  const consents = async () => {
    const client = createClient(ConsentService, world.company.transport);
    return (await client.listConsents({})).consents;
  };
  const text = async (page: Page, selector = "main") => (await page.locator(selector).textContent()) ?? "";

  async function expectReadable(page: Page): Promise<void> {
    expect(await findings(page)).toEqual([]);
    expect(await sideways(page)).toBeLessThanOrEqual(0);
  }

  test("who has no account makes one on the way, narrows what is asked for, and agrees", async () => {
    const { page, email } = await person("de");
    const { url, verifier } = await begin();
    await page.goto(url);
    expect(await text(page, "h1")).toBe("Pulse Makers bittet um Ihre Erlaubnis");
    expect(await text(page)).toContain("Nicht geprüft");
    await expectReadable(page);
    await page.click("main a[href^='/register']");
    await enterCode(page, email);
    await page.waitForURL(/\/register\/details/);
    await page.fill("#name", "Ada Beispiel");
    await page.click("button[data-passkey=create]");
    await page.waitForURL(/\/authorize\//);
    await expectReadable(page);
    expect(await text(page)).toContain("To show your doctor <b>how</b> your heart is doing");
    expect(await page.locator("#days option").allTextContents()).toEqual([
      "1 Tag",
      "7 Tage",
      "1 Monat",
      "3 Monate",
      "1 Jahr",
    ]);
    await page.uncheck("#category-sleep");
    await page.uncheck("#contribute");
    await page.selectOption("#resolution", { label: "Nur Mittelwerte je Stunde" });
    await page.selectOption("#days", "30");
    await page.click("#agree button");
    await page.waitForURL(`${callback}**`);
    const tokens = await oidc.authorizationCodeGrant(configuration, new URL(page.url()), {
      pkceCodeVerifier: verifier,
      expectedState: "s1",
      idTokenExpected: true,
    });
    const consent = (await consents()).find(({ patient }) => patient === tokens.claims()!.sub)!;
    expect(consent.provisions).toHaveLength(1);
    expect(consent.provisions[0]).toMatchObject({
      directions: [Direction.READ],
      categories: [{ name: "heart" }, { name: "activity" }],
      purposes: [Purpose.TREATMENT],
      resolution: Resolution.HOURLY,
    });
    const days = (Number(consent.validity!.endTime!.seconds) - Date.now() / 1_000) / 86_400;
    expect(Math.abs(days - 30)).toBeLessThan(0.01);

    await page.goto(`${world.issuer}/account/permissions`);
    expect(await text(page, "h2")).toBe("Pulse Makers");
    expect(await text(page, "section li")).toMatch(/^Darf lesen: Herz .*; Bewegung/);
    await expectReadable(page);
    await page.click("form[action$='/revoke'] button");
    await page.waitForURL(/saved=1/);
    expect(await text(page)).toContain("Sie haben keine Erlaubnis gegeben");
    const taken = (await consents()).find(({ id }) => id === consent.id)!;
    expect(taken.state).toBe(Consent_State.REVOKED);
    const over = oidc.refreshTokenGrant(configuration, tokens.refresh_token!);
    await expect(over).rejects.toMatchObject({ error: "invalid_grant" });
  });

  test("who refuses gives nothing, and the application is told", async () => {
    const { page } = await person();
    const before = (await consents()).length;
    await page.goto((await begin()).url);
    await page.click("form[action$='/refuse'] button");
    await page.waitForURL(`${callback}**`);
    expect(new URL(page.url()).searchParams.get("error")).toBe("access_denied");
    expect(await consents()).toHaveLength(before);
  });

  test("a form that asks for more than was proposed, or leaves nothing, gives nothing", async () => {
    const { page, email } = await person();
    await register(page, email, { name: "Ada Example", passkey: true });
    const before = (await consents()).length;
    await page.goto((await begin()).url);
    for (const name of ["heart", "activity", "sleep"]) await page.uncheck(`#category-${name}`);
    await page.click("#agree button");
    await page.waitForSelector("[role=alert]");
    expect(await text(page, "[role=alert]")).toContain("Leave at least one kind of data");
    await page
      .locator("#days option")
      .first()
      .evaluate((option) => option.setAttribute("value", "9999"));
    await page.selectOption("#days", "9999");
    await page.click("#agree button");
    await page.waitForSelector("[role=alert]");
    expect(await consents()).toHaveLength(before);
  });

  test("who came by an e-mail code confirms first; without a passkey there is nothing to confirm with", async () => {
    const { page, email } = await person();
    await register(page, email, { name: "Ada Example", passkey: true });
    const other = await person();
    await signInByCode(other.page, email);
    await other.page.goto((await begin()).url);
    expect(await text(other.page)).toContain("confirm first with a passkey");
    expect(await other.page.locator("#agree").count()).toBe(0);
    await expectReadable(other.page);
    await other.page.click("main a[href^='/step-up']");
    await other.page.waitForURL(/\/step-up/);
    expect(await other.page.locator("input[name=continue]").first().getAttribute("value")).toMatch(
      /^\/authorize\//,
    );
  });

  test("who is sent somebody else's request gets no page to agree on", async () => {
    const begun = await person();
    await begun.page.goto((await begin()).url);
    const victim = await person();
    await register(victim.page, victim.email, { name: "Victim", passkey: true });
    const answer = await victim.page.goto(new URL(begun.page.url()).pathname);
    expect(answer!.status()).toBe(403);
    expect(await text(victim.page, "h1")).toBe("This was begun in another browser");
  });

  test("a device is connected by the code that it shows", async () => {
    const { page, email } = await person();
    await register(page, email, { name: "Ada Example", passkey: true });
    const device = await oidc.initiateDeviceAuthorization(configuration, { scope });
    await page.goto(device.verification_uri);
    await page.fill("#user_code", "AAAA-AAAA");
    await page.press("#user_code", "Enter");
    await page.waitForSelector("#user_code-wrong");
    await page.fill("#user_code", device.user_code.toLowerCase());
    await page.press("#user_code", "Enter");
    await page.waitForURL(/\/authorize\//);
    expect(await text(page, ".fixed")).toBe(device.user_code);
    await expectReadable(page);
    await page.click("#agree button");
    await page.waitForURL(/\/device\/done/);
    expect(await text(page, "h1")).toBe("The device is connected");
    const tokens = await oidc.pollDeviceAuthorizationGrant(configuration, { ...device, interval: 1 });
    expect((await consents()).map(({ patient }) => patient)).toContain(tokens.patient);
  });

  test("the first operator accepts the link of the start, with an account that is made on the way", async () => {
    const { page, email } = await person();
    await page.goto(world.exchange.operatorLink!);
    expect(new URL(page.url()).hash).toBe("");
    await page.click("main form button");
    await page.waitForURL(/\/invitations\/offer/);
    expect(await text(page, "h1")).toBe("You are invited to the staff of WellAPI");
    await expectReadable(page);
    await page.click("main a[href^='/register']");
    await enterCode(page, email);
    await page.waitForURL(/\/register\/details/);
    await page.fill("#name", "Olga Operator");
    await page.check("#staff");
    await page.click("button[data-passkey=create]");
    await page.waitForURL(/\/invitations\/offer/);
    await page.click("main form button");
    await page.waitForURL(/\/invitations\/accepted/);
    await page.goto("/account");
    expect(await text(page)).toContain("Staff of WellAPI");
    expect(await page.locator("main a[href='/office/organizations']").count()).toBe(1);
  });
});
