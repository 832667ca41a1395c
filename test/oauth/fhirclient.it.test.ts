/**
 * A patient's own app, by `fhirclient` in a real browser as its README says (SMART App Launch 2.2, standalone). Discovery, sign-in and
 * tokens are the exchange's; the FHIR base is a stub in front of it that answers with one patient.
 */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { decodeJwt } from "jose";
import type { Browser, BrowserContext, Route } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { addAuthenticator, hasBrowser, openBrowser, openPerson } from "../pages/browser.ts";
import { register } from "../pages/people.ts";
import { openWorld, publicApp, type World } from "./world.ts";

const library = fileURLToPath(import.meta.resolve("fhirclient/build/fhir-client.min.js"));
const scope = "openid fhirUser offline_access launch/patient patient/Observation.rs";

/** What the README of `fhirclient` has an app do, in two pages. */
function pagesOf(clientId: string, iss: string): Readonly<Record<string, string>> {
  const page = (script: string) =>
    `<!doctype html><title>Heart</title><script src="/fhir-client.js"></script><script>${script}</script>`;
  const launch = { clientId, scope, redirectUri: "/app", iss };
  return {
    "/launch": page(
      `FHIR.oauth2.authorize(${JSON.stringify(launch)}).catch(e => document.title = "failed: " + e)`,
    ),
    "/app": page(
      `FHIR.oauth2.ready().then(client => { window.smart = client; document.title = "ready" })
        .catch(e => document.title = "failed: " + e)`,
    ),
  };
}

/** The state of a signed-in `fhirclient`, as its page sees it. */
interface Smart {
  readonly patient: { readonly id: string };
  readonly state: { readonly tokenResponse: Readonly<Record<string, string>> };
  readonly user: { readonly fhirUser: string };
  refresh(): Promise<Smart["state"]>;
  request(path: string): Promise<{ readonly id: string }>;
}
declare const window: { readonly smart: Smart };
declare const document: { readonly title: string };

describe.skipIf(!hasBrowser)("fhirclient in a browser", { timeout: 120_000 }, () => {
  let world: World;
  let browser: Browser;
  let app: Server;
  let origin: string;
  let clientId: string;

  beforeAll(async () => {
    // The one origin that may ask is the one that the app has registered.
    world = await openWorld({ WELLAPI_CORS_ORIGINS: "none" });
    browser = await openBrowser();
    let pages: Readonly<Record<string, string>> = {};
    app = createServer((request, response) => {
      const path = new URL(request.url!, "http://app").pathname;
      if (path === "/fhir-client.js") response.setHeader("content-type", "text/javascript; charset=utf-8");
      else response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(path === "/fhir-client.js" ? readFileSync(library) : (pages[path] ?? ""));
    });
    await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
    origin = `http://localhost:${(app.address() as AddressInfo).port}`;
    clientId = await world.register({
      ...publicApp,
      scopes: ["openid", "fhirUser", "offline_access", "launch/patient", "patient/Observation.rs"],
      redirectUris: [`${origin}/app`],
      allowedOrigins: [origin],
    });
    pages = pagesOf(clientId, `${world.issuer}/fhir`);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    app?.close();
    await world?.close();
  }, 60_000);

  /** The FHIR base: its discovery is the exchange's, and it has every patient whom a token asks for. */
  async function stubFhir(context: BrowserContext): Promise<void> {
    const cors = { "access-control-allow-origin": origin, "access-control-allow-headers": "*" };
    await context.route(`${world.issuer}/fhir/**`, async (route: Route) => {
      const request = route.request();
      if (request.method() === "OPTIONS") return route.fulfill({ status: 204, headers: cors });
      if (request.url().endsWith("/.well-known/smart-configuration")) {
        const own = await fetch(`${world.issuer}/.well-known/smart-configuration`);
        return route.fulfill({ headers: cors, json: await own.json() });
      }
      const token = (await request.headerValue("authorization"))?.replace("Bearer ", "");
      if (!request.url().includes("/Patient/") || token === undefined)
        return route.fulfill({ status: 404, headers: cors, json: { resourceType: "OperationOutcome" } });
      return route.fulfill({
        headers: cors,
        json: { resourceType: "Patient", id: request.url().split("/").at(-1) },
      });
    });
  }

  async function personWithAccount(email: string) {
    const { context, page } = await openPerson(browser, world.issuer);
    onTestFinished(() => context.close());
    await addAuthenticator(page);
    await register(page, email, { name: "Ada Example", passkey: true });
    await stubFhir(context);
    return page;
  }

  test("launches, signs the patient in, gets tokens for the FHIR base, and refreshes them without the patient", async () => {
    const page = await personWithAccount("smart@example.org");
    await page.goto(`${origin}/launch`);
    await page.waitForURL(/\/authorize\//);
    await page.click("#agree button");
    await page.waitForURL(`${origin}/app**`);
    await page.waitForFunction(() => document.title !== "Heart");
    expect(await page.title()).toBe("ready");
    const first = await page.evaluate(() => window.smart.state.tokenResponse);
    expect(first.scope!.split(" ").sort()).toEqual(scope.split(" ").sort());
    const claims = decodeJwt(first.access_token!);
    expect(claims).toMatchObject({ client_id: clientId, aud: `${world.issuer}/fhir` });
    // The app calls as the patient, so it is told the id that the patient's own calls know.
    const patient = await page.evaluate(() => window.smart.patient.id);
    expect(patient).toMatch(/^pat_/);
    expect(await page.evaluate(() => window.smart.user.fhirUser)).toBe(`Patient/${patient}`);
    const read = await page.evaluate(() => window.smart.request(`Patient/${window.smart.patient.id}`));
    expect(read.id).toBe(patient);

    const again = await page.evaluate(async () => (await window.smart.refresh()).tokenResponse);
    expect(again.access_token).not.toBe(first.access_token);
    expect(again.refresh_token).not.toBe(first.refresh_token);
    expect(decodeJwt(again.access_token!).sub).toBe(claims.sub);
    expect(again.patient).toBe(patient);
    const { consents } = await createClient(ConsentService, world.company.transport).listConsents({});
    expect(consents).toHaveLength(1);
  });

  test("is told by the page's address that the patient has refused", async () => {
    const page = await personWithAccount("refuses@example.org");
    await page.goto(`${origin}/launch`);
    await page.waitForURL(/\/authorize\//);
    await page.click("form[action$='/refuse'] button");
    await page.waitForURL(`${origin}/app**`);
    await page.waitForFunction(() => document.title !== "Heart");
    expect(await page.title()).toMatch(/^failed: .*access_denied|^failed: .*refused/i);
  });
});
