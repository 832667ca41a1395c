/** Pages of browser apps: each reads the answers to its own client, and nobody else's page reads any (CORS, Fetch standard). */
import { createClient } from "@connectrpc/connect";
import { createBrowser } from "@wellapi/demo/browser";
import { operatorAt } from "@wellapi/demo/people";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import * as oidc from "openid-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { agree, openWorld, publicApp, scope, type World } from "./world.ts";

const own = "https://heart.example";
const neighbour = "https://neighbour.example";
const stranger = "https://stranger.example";
const named = "https://console.example";
const rpc = "/wellapi.records.v1.RecordsService/ListSeries";

let world: World;
let id: string;
beforeAll(async () => {
  world = await openWorld({ WELLAPI_CORS_ORIGINS: named });
  id = await world.register({ ...publicApp, allowedOrigins: [own] });
  await world.register({ ...publicApp, allowedOrigins: [neighbour] });
});
afterAll(() => world?.close(), 60_000);

async function asked(origin: string, path: string, init: RequestInit = {}) {
  const answer = await fetch(`${world.issuer}${path}`, {
    ...init,
    headers: { ...(init.headers as Record<string, string>), origin },
  });
  return { status: answer.status, readableBy: answer.headers.get("access-control-allow-origin"), answer };
}

function preflight(origin: string, path: string) {
  const headers = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type",
  };
  return asked(origin, path, { method: "OPTIONS", headers });
}

/** Runs the flow in a page of the origin: what the token endpoint says to it. */
async function signedIn(origin: string) {
  const verifier = oidc.randomPKCECodeVerifier();
  const configuration = await world.configuration(id, oidc.None());
  const redirect_uri = publicApp.redirectUris[0]!;
  const url = oidc.buildAuthorizationUrl(configuration, {
    redirect_uri,
    scope,
    aud: `${world.issuer}/api`,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state: "s1",
  });
  const browser = createBrowser();
  const { redirectUri } = await agree(world, (await browser.get(url)).pathname.split("/").at(-1)!);
  const code = (await browser.get(redirectUri)).searchParams.get("code")!;
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: id,
    code,
    redirect_uri,
    code_verifier: verifier,
  });
  const told = await asked(origin, "/oauth2/token", { method: "POST", body });
  return { ...told, tokens: (await told.answer.json()) as Record<string, string> };
}

describe.each(["/oauth2/token", rpc])("%s", (path) => {
  test("takes preflights of pages that a client or the setting names, and of no other", async () => {
    for (const origin of [own, neighbour, named])
      expect(await preflight(origin, path)).toMatchObject({ status: 204, readableBy: origin });
    for (const origin of [stranger, "null", "http://heart.example", "https://heart.example.evil.example"])
      expect(await preflight(origin, path)).toMatchObject({ status: 403, readableBy: null });
  });
});

test("a page reads the tokens of its own client; no other page does, whoever's it is", async () => {
  const mine = await signedIn(own);
  expect(mine).toMatchObject({ status: 200, readableBy: own });
  for (const origin of [neighbour, stranger, named]) {
    const { status, readableBy, tokens } = await signedIn(origin);
    expect([status, tokens.access_token]).toEqual([400, undefined]);
    // The installation's own page may read why.
    expect(readableBy).toBe(origin === named ? named : null);
  }
}, 60_000);

test("a page reads answers to its own client's calls, and refusals of any; not answers to another client", async () => {
  const { tokens } = await signedIn(own);
  const call = (origin: string, token: string) =>
    asked(origin, rpc, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ patient: tokens.patient, purpose: "PURPOSE_PATIENT_REQUEST" }),
    });
  expect(await call(own, tokens.access_token!)).toMatchObject({ status: 200, readableBy: own });
  expect(await call(neighbour, tokens.access_token!)).toMatchObject({ status: 200, readableBy: null });
  expect(await call(stranger, tokens.access_token!)).toMatchObject({ status: 200, readableBy: null });
  expect(await call(named, tokens.access_token!)).toMatchObject({ status: 200, readableBy: named });
  // So that the page can tell its user why.
  expect(await call(own, "nonsense")).toMatchObject({ status: 401, readableBy: own });
  expect(await call(stranger, "nonsense")).toMatchObject({ status: 401, readableBy: null });
}, 60_000);

test("discovery and keys are read by every registered page, and the pages' own surfaces by none", async () => {
  const smart = "/.well-known/smart-configuration";
  for (const path of [smart, `/fhir/R4${smart}`, "/.well-known/jwks.json"]) {
    expect(await asked(own, path)).toMatchObject({ status: 200, readableBy: own });
    expect(await asked(stranger, path)).toMatchObject({ status: 200, readableBy: null });
  }
  expect((await asked(own, "/sign-in")).readableBy).toBeNull();
});

test("an origin counts for as long as an application that may call has registered it", async () => {
  const organizations = createClient(OrganizationService, operatorAt(world.server));
  const [first, second] = ["https://first.example", "https://second.example"];
  const app = await world.register({ ...publicApp, allowedOrigins: [first] });
  expect((await preflight(first, rpc)).status).toBe(204);
  await organizations.updateApplication({
    application: { id: app, oauth: { ...publicApp, allowedOrigins: [second] } },
    updateMask: { paths: ["oauth"] },
  });
  expect((await preflight(second, rpc)).status).toBe(204);
  const third = "https://third.example";
  const disabled = await world.register({ ...publicApp, allowedOrigins: [third] });
  await organizations.disableApplication({ application: disabled });
  expect((await preflight(third, rpc)).status).toBe(403);
});
