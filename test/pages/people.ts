/** What people do on the pages. */
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import type { Page } from "playwright-core";

function sandboxOf(origin: string) {
  return createClient(SandboxService, createConnectTransport({ baseUrl: origin, httpVersion: "1.1" }));
}

/** The newest mail to the address that says this: notices may have come after it. */
export async function mailTo(origin: string, email: string, says = /(?:)/): Promise<string> {
  const { mail } = await sandboxOf(origin).listMail({ email });
  const found = mail.find(({ text }) => says.test(text));
  if (found === undefined) throw new Error(`no such mail to ${email}`);
  return found.text;
}

/** The code of the newest invitation that was sent to the address: other mail may have come after it. */
export async function invitationTo(origin: string, email: string): Promise<string> {
  const { mail } = await sandboxOf(origin).listMail({ email });
  const codes = mail.flatMap(({ text }) => /\bwellapi_(?:dc|inv)_[\w-]+/.exec(text)?.[0] ?? []);
  if (codes[0] === undefined) throw new Error(`no invitation among ${mail.length} mails`);
  return codes[0];
}

/** The newest code that was sent to the address. */
export async function codeFor(origin: string, email: string): Promise<string> {
  const { mail } = await sandboxOf(origin).listMail({ email });
  const code = mail.map(({ text }) => /\b(\d{3}) ?(\d{3})\b/.exec(text)).find((match) => match !== null);
  if (!code) throw new Error(`no code among ${mail.length} mails`);
  return `${code[1]}${code[2]}`;
}

/** From the form with the address to the page after the code. */
export async function enterCode(page: Page, email: string): Promise<void> {
  await page.fill("#email", email);
  await page.press("#email", "Enter");
  await page.waitForURL(/\/sign-in\/code/);
  await page.fill("#code", await codeFor(new URL(page.url()).origin, email));
  await page.press("#code", "Enter");
}

export async function register(
  page: Page,
  email: string,
  options: { name: string; passkey: boolean },
): Promise<void> {
  await page.goto("/register");
  await enterCode(page, email);
  await page.waitForURL(/\/register\/details/);
  await page.fill("#name", options.name);
  await page.click(options.passkey ? "button[data-passkey=create]" : "main form button:not([data-passkey])");
  await page.waitForURL("**/account");
}

export async function signInByPasskey(page: Page): Promise<void> {
  await page.goto("/sign-in");
  await page.click("button[data-passkey=get]");
  await page.waitForURL("**/account");
}

export async function signInByCode(page: Page, email: string): Promise<void> {
  await page.goto("/sign-in");
  await enterCode(page, email);
  await page.waitForURL("**/account");
}

export async function signOut(page: Page): Promise<void> {
  await page.click("header form button");
  await page.waitForURL(/\/sign-in/);
}
