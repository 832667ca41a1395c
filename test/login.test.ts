/** `wellapi login` as its user meets it: a process of the command line, a server's, and the person's browser. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Code, createClient } from "@connectrpc/connect";
import type { PersonsBrowser } from "@wellapi/demo/browser";
import { originOf } from "@wellapi/demo/people";
import { register } from "@wellapi/demo/registration";
import { temporaryFolder } from "@wellapi/demo/server";
import {
  Interaction_Asked,
  OAuthInteractionService,
  RequestedScope_Kind,
} from "@wellapi/gen/wellapi/identity/v1/oauth_interaction_service_pb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedExchange } from "./shared-exchange.ts";

const main = fileURLToPath(import.meta.resolve("@wellapi/cli/main"));
const folder = temporaryFolder();
const logins = join(folder.path, "config", "wellapi", "logins");
const server = sharedExchange();
let browser: PersonsBrowser;

beforeAll(async () => {
  const person = { name: "Participant", email: "participant@example.com", timeZone: "UTC" };
  ({ browser } = await register(originOf(server), person));
});
afterAll(() => folder.remove());

function start(...parameters: string[]): ChildProcess {
  const { WELLAPI_API_KEY: _key, WELLAPI_TOKEN: _token, ...env } = process.env;
  return spawn(process.execPath, [main, ...parameters], {
    env: { ...env, WELLAPI_URL: originOf(server), XDG_CONFIG_HOME: join(folder.path, "config") },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function wellapi(...parameters: string[]) {
  const child = start(...parameters);
  const out = Array.fromAsync(child.stdout!);
  const [code] = (await once(child, "exit")) as [number];
  return { code, out: (await out).join("") };
}

/** Starts a sign-in, and reads the code that it shows. */
async function beginLogin(...parameters: string[]) {
  const login = start("login", ...parameters);
  const ended = once(login, "exit");
  for await (const line of createInterface({ input: login.stderr! })) {
    const code = /the code (\S+),/.exec(line)?.[1];
    if (code !== undefined) return { code, exitCode: ended.then(([exitCode]) => exitCode as number) };
  }
  throw new Error("the command showed no code");
}

const interactions = () => createClient(OAuthInteractionService, browser.as());
const userCode = async (code: string) =>
  (await interactions().openDeviceInteraction({ userCode: code })).interaction!;

test("who refuses in the browser signs nobody in", async () => {
  const { code, exitCode } = await beginLogin();
  const { id } = await userCode(code);
  await interactions().abortInteraction({ interaction: id });
  expect(await exitCode).toBe(9);
  expect(existsSync(logins)).toBe(false);
}, 60_000);

test("who agrees in the browser acts by the command line, until the logout ends it everywhere", async () => {
  const { code, exitCode } = await beginLogin();
  const { id, scopes } = await userCode(code);
  await interactions().completeInteraction({
    interaction: id,
    grantedScopes: scopes.map(({ scope }) => scope),
  });
  expect(await exitCode).toBe(0);
  const file = join(logins, readdirSync(logins)[0]!);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const { accessToken } = JSON.parse(readFileSync(file, "utf8"));
  expect((await wellapi("consent", "list")).code).toBe(0);

  expect((await wellapi("logout")).code).toBe(0);
  expect(existsSync(file)).toBe(false);
  expect((await wellapi("consent", "list")).code).toBe(2);
  const copied = await fetch(`${originOf(server)}/wellapi.consent.v1.ConsentService/ListConsents`, {
    method: "POST",
    headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
    body: "{}",
  });
  expect(copied.status).toBe(401);
}, 60_000);

test("signed in as the account, the command line lists its sessions, ends them, and reads nothing of the patient", async () => {
  const { code, exitCode } = await beginLogin("--as", "account");
  const interaction = await userCode(code);
  expect(interaction.asked).toBe(Interaction_Asked.PERSON);
  const { id, scopes } = interaction;
  expect(scopes.map(({ kind }) => kind)).toContain(RequestedScope_Kind.OWN);
  const grantedScopes = scopes.map(({ scope }) => scope);
  await createClient(OAuthInteractionService, browser.as("account")).completeInteraction({
    interaction: id,
    grantedScopes,
  });
  expect(await exitCode).toBe(0);
  expect((await wellapi("account", "acting")).out).toContain("patient");
  const [listed] = (await wellapi("session", "list", "--json")).out.trim().split("\n");
  const { id: session } = JSON.parse(listed!) as { id: string };
  expect((await wellapi("consent", "list")).code).not.toBe(0);
  expect((await wellapi("session", "end", session)).out).toBe("1 session ended\n");
  await expect(userCode("ABCD-EFGH")).rejects.toMatchObject({ code: Code.Unauthenticated });
}, 60_000);
