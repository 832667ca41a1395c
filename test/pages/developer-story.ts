/** What a developer does on their pages: an application, its key, a first call, what was counted, a webhook. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ListWebhookEndpointsResponseSchema,
  WebhookEndpoint_State,
} from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { keyboardProblems, readingProblems } from "./readable.ts";

/** Compressed, of all that the first page loads. */
const mostBytes = 200_000;

export async function settled(page: Page): Promise<void> {
  // The document has a heading of its own until the pages are there.
  await page.locator(".tabs").waitFor();
  await page.locator("main h1").waitFor();
  await expect.poll(() => page.locator(".loading").count()).toBe(0);
}

/** By somebody who is signed in, with a passkey, as the owner of one organization. Returns what is hard to read or to reach. */
export async function developerStory(page: Page): Promise<string[]> {
  const found: string[] = [];
  const look = async (name: string): Promise<void> => {
    found.push(...(await readingProblems(page, "en", `developers-${name}`)));
  };
  expect(await bytesOfFirstPage(page)).toBeLessThan(mostBytes);
  await page.fill("#name", "First Steps");
  await page.press("#name", "Enter");
  await page.waitForURL(/\/developers\/applications\/app_/);
  await page.getByRole("heading", { name: "First Steps" }).waitFor();
  await page.fill("#key-name", "laptop");
  await page.press("#key-name", "Enter");
  const key = await page.locator(".notice.success code").textContent();
  expect(key).toMatch(/^wellapi_/);
  await page.locator("li", { hasText: "laptop" }).waitFor();
  await look("application");
  found.push(...(await keyboardProblems(page, "developers-application")));
  await firstCalls(page, key!);

  await page.getByRole("link", { name: "Usage" }).click();
  const counted = page.locator("tr", { hasText: "ConsentService/ListConsents" }).first();
  await expect
    .poll(async () => {
      await page.goto("/developers/usage");
      await settled(page);
      return counted.count();
    })
    .toBe(1);
  expect(await counted.locator("td").first().textContent()).not.toBe("0");
  await look("usage");

  await page.getByRole("link", { name: "Requests", exact: true }).click();
  await page.locator("tr", { hasText: "ConsentService/ListConsents" }).first().waitFor();
  const refused = await page.request.post("/wellapi.consent.v1.ConsentService/ListConsents", {
    headers: { authorization: `Bearer ${key}` },
    data: { pageSice: 1 },
  });
  await page.locator("tr", { hasText: refused.headers()["x-request-id"]! }).waitFor();
  await page.locator("section li", { hasText: "MALFORMED_MESSAGE" }).waitFor();
  await look("requests");

  await page.getByRole("link", { name: "Calls" }).click();
  await page.locator("tr", { hasText: "ConsentService/ListConsents" }).first().waitFor();
  await look("calls");

  await explore(page, key!);
  await look("explorer");
  found.push(...(await keyboardProblems(page, "developers-explorer")));

  await page.getByRole("link", { name: "Webhooks" }).click();
  await page.fill("#url", "https://hooks.pulse.example/wellapi");
  await page.press("#url", "Enter");
  expect(await page.locator(".notice.success code").textContent()).toMatch(/^whsec_/);
  await page.getByRole("link", { name: "https://hooks.pulse.example/wellapi" }).click();
  await page.fill("#since", "2026-01-01T00:00");
  await page.press("#since", "Enter");
  await page.locator("[aria-labelledby=replay] .notice.success").waitFor();
  const bodies = page.getByText("What its body looks like");
  await expect
    .poll(async () => {
      await page.reload();
      await settled(page);
      return bodies.count();
    })
    .toBeGreaterThan(0);
  await bodies.first().click();
  await page.locator("pre", { hasText: '"type": "consent.granted"' }).first().waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.locator(".badge", { hasText: "paused" }).waitFor();
  await look("webhook");

  await stopEndpoints(page);
  await createShortKey(page);
  await page.goto("/developers/?lang=de");
  await settled(page);
  await page.locator(".notice", { hasText: "three days" }).waitFor();
  await page.getByRole("link", { name: "Webhooks 1 angehalten" }).waitFor();
  for (const path of ["", "usage", "requests", "log", "explorer", "webhooks"]) {
    await page.goto(`/developers/${path}`);
    await settled(page);
    found.push(...(await readingProblems(page, "de", `developers-${path}`)));
  }
  await page.goto("/developers/");
  await page.locator("main .rows a", { hasText: "First Steps" }).click();
  const laptop = page.locator("main li", { hasText: "laptop" });
  await laptop.getByRole("button", { name: "Widerrufen" }).click();
  await laptop.getByRole("button", { name: "Widerrufen" }).click();
  await page.locator(".badge", { hasText: "widerrufen" }).waitFor();
  found.push(...(await readingProblems(page, "de", "developers-application")));
  return found;
}

/** As three days of failures leave them, which no test waits for. */
async function stopEndpoints(page: Page): Promise<void> {
  const endpoint = {
    id: "whe_stopped",
    url: "https://hooks.pulse.example/old",
    state: WebhookEndpoint_State.DISABLED,
  };
  const answer = create(ListWebhookEndpointsResponseSchema, { webhookEndpoints: [endpoint] });
  const body = Buffer.from(toBinary(ListWebhookEndpointsResponseSchema, answer));
  await page.route("**/wellapi.notices.v1.WebhookService/ListWebhookEndpoints", (route) =>
    route.fulfill({ contentType: "application/proto", body }),
  );
}

/** For the application that was made first, which has one for longer, too. By the session of the page: its form makes none so short. */
async function createShortKey(page: Page): Promise<void> {
  const members = await page.locator("a[href$='/members']").getAttribute("href");
  const organization = members!.split("/")[2]!;
  await page.goto("/developers/");
  const application = await page.locator("main .rows a", { hasText: "First Steps" }).getAttribute("href");
  const request = {
    requestId: randomUUID(),
    application: application!.split("/").at(-1),
    displayName: "three days",
    lifetime: "259200s",
  };
  const init = {
    method: "POST",
    headers: { "content-type": "application/json", "wellapi-acting-as": organization },
    body: JSON.stringify(request),
  };
  const status = await page.evaluate<number>(
    `fetch("/wellapi.identity.v1.CredentialService/CreateApiKey", ${JSON.stringify(init)}).then(({ status }) => status)`,
  );
  expect(status).toBe(200);
}

/** With the key, by form and as JSON; with a failure that was ordered; and what deletes is asked for first. */
async function explore(page: Page, key: string): Promise<void> {
  await page.getByRole("link", { name: "Explorer" }).click();
  const call = page.getByRole("button", { name: "Call", exact: true });
  const answered = page.locator("[aria-labelledby=answer]");
  await page.fill("#api-key", key);
  await page.fill("#field-pageSize", "5");
  await call.click();
  await answered.getByText(/"consents": \[/).waitFor();
  await page.getByRole("button", { name: "Write it as JSON" }).click();
  expect(JSON.parse(await page.inputValue("#json"))).toEqual({ pageSize: 5 });
  await page.fill("#json", '{"pageSice": 5}');
  await call.click();
  await page.locator(".notice.danger", { hasText: "pageSice" }).waitFor();
  await page.fill("#json", "{}");
  await page.selectOption("#fault", "unavailable");
  await call.click();
  await answered.getByText("FAULT_ORDERED").waitFor();
  await page.selectOption("#explored", "wellapi.identity.v1.OrganizationService/DeleteApplication");
  await call.click();
  await page.getByText("Call it?").waitFor();
  expect(await answered.count()).toBe(0);
  await page.selectOption("#explored", "wellapi.consent.v1.ConsentRequestService/CreateConsentRequest");
  await page.locator("#field-consentRequest > summary").click();
  await page.getByText("Chosen by the caller, unique for the organization and patient").waitFor();
  await page.locator("#field-consentRequest-provisions > summary").click();
  await page.getByRole("button", { name: /^Add one/ }).click();
  await page.selectOption("#field-consentRequest-provisions-0-effect", "EFFECT_PERMIT");
  await page.getByRole("button", { name: "Write it as JSON" }).click();
  const nested = { consentRequest: { provisions: [{ effect: "EFFECT_PERMIT" }] } };
  expect(JSON.parse(await page.inputValue("#json"))).toEqual(nested);
  await page.getByRole("button", { name: "Write it in the form" }).click();
  expect(await page.inputValue("#field-consentRequest-provisions-0-effect")).toBe("EFFECT_PERMIT");
  await page.selectOption("#explored", "wellapi.identity.v1.OrganizationService/UpdateApplication");
  await page.locator("#field-updateMask-displayName").check();
  await page.getByRole("button", { name: "Write it as JSON" }).click();
  expect(JSON.parse(await page.inputValue("#json"))).toEqual({ updateMask: "displayName" });
  await page.getByRole("button", { name: "Write it in the form" }).click();
  expect(await page.locator("#field-updateMask-displayName").isChecked()).toBe(true);
}

async function bytesOfFirstPage(page: Page): Promise<number> {
  const answers: Promise<number>[] = [];
  page.on("response", (answer) => {
    answers.push(answer.headerValue("content-length").then(Number));
  });
  await page.goto("/developers/");
  await settled(page);
  return (await Promise.all(answers)).reduce((sum, bytes) => sum + (Number.isNaN(bytes) ? 0 : bytes), 0);
}

/** Java's sample is not run: its compiler starts for seconds. */
const programs: Readonly<Record<string, readonly [string, string]>> = {
  curl: ["bash", "first.sh"],
  TypeScript: [process.execPath, "first.ts"],
  Python: ["python3", "first.py"],
};

/** Runs the page's samples as they stand. */
async function firstCalls(page: Page, key: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "wellapi-first-call-"));
  try {
    const said = Object.entries(programs).map(async ([name, [program, file]]) => {
      const sample = page.locator("details", { has: page.getByText(name, { exact: true }) });
      writeFileSync(join(folder, file), (await sample.locator("code").textContent())!);
      return [name, await outputOf(program, join(folder, file), key)];
    });
    expect(await Promise.all(said)).toEqual([
      ["curl", expect.stringMatching(/^\{"consents":\[\{/)],
      ["TypeScript", expect.stringMatching(/^200 \{"consents":\[\{/)],
      ["Python", expect.stringMatching(/^200 \{"consents":\[\{/)],
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Without waiting in the turn of the server, which runs in this process. */
async function outputOf(program: string, file: string, key: string): Promise<string> {
  const child = spawn(program, [file], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, WELLAPI_API_KEY: key },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let output = "";
  for await (const piece of child.stdout) output += piece;
  return output.trim();
}
