/** How somebody begins on the developers' pages, without an operator: an account, an organization, all that an application signs in with. */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { toJson } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { Consent_State, ConsentSchema } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { addAuthenticator } from "./browser.ts";
import { settled } from "./developer-story.ts";
import { enterCode } from "./people.ts";
import { keyboardProblems, readingProblems } from "./readable.ts";

/** What cannot be decided for a moment is asked again. */
const retries = { attempts: 8 };

/**
 * By somebody who has not even an account, and who registers by a code alone: from the pages' address to a key of an application of
 * their own organization. Returns what is hard to read or to reach.
 */
export async function signUpStory(page: Page, origin: string, email: string): Promise<string[]> {
  const found: string[] = [];
  await addAuthenticator(page);
  await page.goto("/developers/");
  await page.waitForURL(/\/sign-in/);
  await page.click("main a[href^='/register']");
  await enterCode(page, email);
  await page.waitForURL(/\/register\/details/);
  await page.fill("#name", "Dora Developer");
  await page.click("main form button:not([data-passkey])");
  await page.waitForURL("**/developers/");
  await page.locator("#organization-name").waitFor();
  found.push(...(await keyboardProblems(page, "developers-sign-up")));
  await page.goto("/developers/?lang=de");
  await page.locator("#organization-name").waitFor();
  found.push(...(await readingProblems(page, "de", "developers-sign-up")));
  await page.goto("/developers/?lang=en");
  await page.fill("#organization-name", "Tidal Wearables");
  await page.press("#organization-name", "Enter");

  const create = async () => {
    await settled(page);
    await page.fill("#name", "First Steps");
    await page.press("#name", "Enter");
  };
  await create();
  // A code by e-mail makes no keys: a passkey is due, and leads back.
  await page.getByRole("link", { name: "Confirm that it is you" }).click();
  await page.click("main a[href^='/account/passkey']");
  await page.click("button[data-passkey=create]");
  await page.waitForURL("**/developers/");
  await create();
  await page.waitForURL(/\/developers\/applications\/app_/);
  await page.fill("#key-name", "laptop");
  await page.press("#key-name", "Enter");
  const key = await page.locator(".notice.success code").textContent();
  expect(key).toMatch(/^wellapi_sk_test_/);

  await page.getByRole("button", { name: "Make key and certificate here" }).click();
  await page.getByRole("link", { name: "ca.pem" }).waitFor();
  const programs = await page.getByRole("link", { name: "Whole programs in" }).getAttribute("href");
  expect((await page.request.get(programs!)).status()).toBe(200);
  await certificateFits(page);

  await registerClient(page);
  found.push(...(await readingProblems(page, "en", "developers-certificate-and-oauth")));

  await page.getByRole("link", { name: "Test patients" }).click();
  await fillSandbox(page, origin, key!);
  await moveClock(page, origin, key!);
  found.push(...(await readingProblems(page, "en", "developers-test-patients")));
  await page.goto("/developers/test-patients?lang=de");
  await settled(page);
  found.push(...(await readingProblems(page, "de", "developers-test-patients")));
  await page.goto("/developers/test-patients?lang=en");
  await page.getByRole("button", { name: "Erase all" }).click();
  await page.getByRole("button", { name: "Erase all" }).click();
  await page.getByText("There are no test patients yet.").waitFor();

  await page.getByRole("link", { name: "Applications", exact: true }).click();
  await page.getByRole("link", { name: "Sandbox devices" }).click();
  const keys = page.locator("main li", { hasText: "Sandbox devices" });
  // Filled twice, streamed, reset: no key of theirs is left.
  await expect.poll(() => keys.filter({ hasText: "revoked" }).count()).toBe(4);
  expect(await keys.count()).toBe(4);

  await page.getByRole("link", { name: "New organization" }).click();
  await page.locator("#organization-name").waitFor();
  return found;
}

/** A week of data by one press, which the developer's key reads; once more with nobody twice; then others in their place. */
async function fillSandbox(page: Page, origin: string, key: string): Promise<void> {
  const ids = () => page.locator("main .card > ul > li > div > span > code").allTextContents();
  /** Presses it, and waits until all is done: the last call ends the devices' key. */
  const done = async (press: () => Promise<void>): Promise<void> => {
    const [ended] = await Promise.all([
      page.waitForResponse((answer) => answer.url().endsWith("/RevokeCredential")),
      press(),
    ]);
    expect(ended.status()).toBe(200);
    await page.locator(".notice.success", { hasText: "The people are there" }).waitFor();
  };
  const fill = () => page.getByRole("button", { name: "Fill the sandbox" }).click();
  await page.selectOption("#past", "7");
  await done(fill);
  // Five, for the sixth is erased already.
  await expect.poll(async () => (await ids()).length).toBe(5);
  const first = await ids();
  expect([...new Set(await consentsSeenBy(origin, key))]).toEqual(first.toSorted());
  const diabetic = page.locator("main li", { hasText: "Sandbox diabetic (seed 1)" }).locator("code");
  expect(await glucoseOf(origin, key, (await diabetic.textContent())!)).toBeGreaterThan(1_500);

  await revokeOne(page, origin, key);
  await done(fill);
  await expect.poll(ids).toEqual(first);

  await page.getByRole("button", { name: "Let the devices go on" }).click();
  await page.getByText("the last ones at").waitFor();
  await page.getByRole("button", { name: "Stop" }).click();

  await page.selectOption("#past", "0");
  await page.getByRole("button", { name: "Reset" }).click();
  await done(() => page.getByRole("button", { name: "Reset" }).click());
  const isOld = (id: string): boolean => first.includes(id);
  await expect.poll(async () => (await ids()).map(isOld)).toEqual([false, false, false, false, false]);
}

/** By a press and a confirmation; the organization's key is told the same time. */
async function moveClock(page: Page, origin: string, apiKey: string): Promise<void> {
  await page.selectOption("#forward", "30");
  const move = page.getByRole("button", { name: "Move the clock" });
  await move.click();
  await move.click();
  await page.getByText("30 full days ahead of the true time").waitFor();
  const sandbox = createClient(SandboxService, connect({ url: origin, apiKey, retries }));
  expect((await sandbox.getSandbox({})).clockAhead?.seconds).toBe(30n * 86_400n);
}

/** A test patient's consent, seen and revoked on the page; the key's list says the same. Filled again they grant it anew. */
async function revokeOne(page: Page, origin: string, key: string): Promise<void> {
  const patient = page.locator("main .card > ul > li", { hasText: "Sandbox runner (seed 1)" });
  await patient.getByText("Consents for this organization").click();
  const consent = patient.locator("li").first();
  await consent.getByText("in force").waitFor();
  const id = await consent.locator("code").first().textContent();
  await consent.locator("summary", { hasText: "Terms, as your key reads them" }).click();
  const shown = JSON.parse((await consent.locator("pre").textContent())!);
  const consents = createClient(ConsentService, connect({ url: origin, apiKey: key, retries }));
  const read = async () => (await consents.getConsent({ consent: id! })).consent!;
  expect(shown).toEqual(toJson(ConsentSchema, await read()));
  await consent.getByRole("button", { name: "Revoke as the patient" }).click();
  await consent.getByRole("button", { name: "Revoke as the patient" }).click();
  await consent.getByText("revoked", { exact: true }).waitFor();
  expect((await read()).state).toBe(Consent_State.REVOKED);
}

/** How many values the key reads. */
async function glucoseOf(origin: string, apiKey: string, patient: string): Promise<number> {
  const records = createClient(RecordsService, connect({ url: origin, apiKey, retries }));
  const asked = { patient, code: { code: "15074-8" }, purpose: Purpose.TREATMENT, pageSize: 10_000 };
  const { series } = await records.querySeries(asked);
  return series.reduce((sum, { series: one }) => {
    return sum + (one?.values.case === "decimals" ? one.values.value.mantissas.length : 0);
  }, 0);
}

/** The saved certificate is of the saved key, and of the saved authority. */
async function certificateFits(page: Page): Promise<void> {
  const saved = async (name: string): Promise<string> => {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name }).click(),
    ]);
    expect(download.suggestedFilename()).toBe(name);
    return readFileSync(await download.path(), "utf8");
  };
  const certificate = new X509Certificate(await saved("cert.pem"));
  expect(certificate.checkPrivateKey(createPrivateKey(await saved("key.pem")))).toBe(true);
  expect(certificate.verify(new X509Certificate(await saved("ca.pem")).publicKey)).toBe(true);
}

/** The patients who let the key's organization do something, by its own ids. */
async function consentsSeenBy(origin: string, apiKey: string): Promise<readonly string[]> {
  const consents = createClient(ConsentService, connect({ url: origin, apiKey, retries }));
  const listed = await consents.listConsents({ states: [Consent_State.ACTIVE], pageSize: 1_000 });
  return listed.consents.map(({ patient }) => patient).sort();
}

/** A backend with a key; first with the private part, which the exchange refuses in words. */
async function registerClient(page: Page): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  for (const key of [privateKey, publicKey]) {
    const jwk = { ...key.export({ format: "jwk" }), kid: "laptop", alg: "ES256" };
    await page.fill("#oauth-jwks", JSON.stringify({ keys: [jwk] }));
    await page.getByRole("button", { name: "Register it" }).click();
    if (key === privateKey) await page.getByText("holds a private part").waitFor();
  }
  await page.locator("dd code", { hasText: "private_key_jwt" }).waitFor();
  await page.locator("dd code", { hasText: "laptop" }).waitFor();
}
