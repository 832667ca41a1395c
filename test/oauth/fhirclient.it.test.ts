/**
 * A patient's own app, by `fhirclient` in a real browser as its README says (SMART App Launch 2.2, standalone). Sign-in, tokens and data are
 * the exchange's; all that the app knows of it is the FHIR base.
 */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { decodeJwt } from "jose";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { bandSeries, contribute } from "../fhir/fhir-scene.ts";
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

interface Bundle {
  readonly entry: readonly {
    readonly resource: { readonly valueSampledData: object; readonly subject: object };
  }[];
}

/** The state of a signed-in `fhirclient`, as its page sees it. */
interface Smart {
  readonly patient: { readonly id: string };
  readonly state: { readonly tokenResponse: Readonly<Record<string, string>> };
  readonly user: { readonly fhirUser: string };
  refresh(): Promise<Smart["state"]>;
  request(asked: { readonly url: string; readonly headers: object }): Promise<Bundle>;
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
    pages = pagesOf(clientId, `${world.issuer}/fhir/R4`);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    app?.close();
    await world?.close();
  }, 60_000);

  async function personWithAccount(email: string) {
    const { context, page } = await openPerson(browser, world.issuer);
    onTestFinished(() => context.close());
    await addAuthenticator(page);
    await register(page, email, { name: "Ada Example", passkey: true });
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
    expect(patient).toMatch(/^pat-/);
    expect(await page.evaluate(() => window.smart.user.fhirUser)).toBe(`Patient/${patient}`);
    const given = createClient(ConsentService, world.company.transport);
    const { consents } = await given.listConsents({});
    const start = Date.UTC(2026, 2, 1, 7);
    await contribute(world.company, consents[0]!.patient, {
      series: [bandSeries("8867-4", "/min", start, ["60", "61.50", "62"])],
    });
    const asked = {
      url: `Observation?patient=${patient}&code=8867-4`,
      headers: { "x-purpose-of-use": "PATRQT" },
    };
    const { entry } = await page.evaluate((one) => window.smart.request(one), asked);
    expect(entry.map(({ resource }) => resource)).toMatchObject([
      {
        resourceType: "Observation",
        subject: { reference: `Patient/${patient}` },
        valueSampledData: { period: 60_000, data: "60.00 61.50 62.00" },
      },
    ]);

    const again = await page.evaluate(async () => (await window.smart.refresh()).tokenResponse);
    expect(again.access_token).not.toBe(first.access_token);
    expect(again.refresh_token).not.toBe(first.refresh_token);
    expect(decodeJwt(again.access_token!).sub).toBe(claims.sub);
    expect(again.patient).toBe(patient);
    expect((await given.listConsents({})).consents).toHaveLength(1);
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
