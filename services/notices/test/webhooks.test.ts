/** What is delivered to organizations' endpoints: a real receiver, and the clock moved. */
import type { ServerResponse } from "node:http";
import { timestampDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { Event_Kind as Kind } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import {
  WebhookEndpoint_DisableReason as Reason,
  WebhookDelivery_State as State,
  WebhookEndpoint_State as Whether,
} from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { problemOf } from "@wellapi/rpc";
import { silentLogger } from "@wellapi/runtime";
import { createItemSealer } from "@wellapi/vault";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { noticesCheck } from "../src/check.ts";
import { createCourseClient } from "../src/organizations/course-client.ts";
import { createFeedRepository } from "../src/organizations/feed-repository.ts";
import { createDeliveryRepository } from "../src/webhooks/delivery-repository.ts";
import { createStandingClient } from "../src/webhooks/standing-client.ts";
import { createTurns } from "../src/webhooks/turns.ts";
import { type PlaceDocument, places, WEBHOOKS_KEY } from "../src/webhooks/webhook-documents.ts";
import { createWebhookSender } from "../src/webhooks/webhook-sender.ts";
import { DAY, type Installation, openInstallation, partition } from "./installation.ts";
import { openWebhookReceiver, type WebhookReceiver } from "./webhook-receiver.ts";

let world: Installation;
let receiver: WebhookReceiver;
const other = "local/pat_00000000000000000000000002";
beforeAll(async () => {
  receiver = await openWebhookReceiver();
  world = await openInstallation([], { reach: "internet and loopback" });
  // The library of the receivers compares with its own clock.
  world.state.now = Date.now();
  await world.vault.create(other, "data");
  await world.vault.create(other, "audit");
});
afterAll(async () => {
  await world.close();
  await receiver.close();
});

const within = { timeout: 15_000 };
const reasonOf = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => "answered",
    (error: unknown) => problemOf(ConnectError.from(error)).reason,
  );
const hooks = (organization: string) => world.webhooks(organization);

/** An endpoint of an organization of its own, at a path of the same name. */
async function openEndpoint(name: string, organization = `org_${name}`, kinds: Kind[] = []) {
  const path = `/${name}`;
  const { webhookEndpoint, secret } = await hooks(organization).createWebhookEndpoint({
    webhookEndpoint: { url: receiver.url(path), kinds },
    requestId: name,
  });
  return { path, organization, secret, id: webhookEndpoint!.id, client: hooks(organization) };
}
type Opened = Awaited<ReturnType<typeof openEndpoint>>;

let count = 0;
/** A patient grants a consent: an event. */
async function granted({ organization }: Pick<Opened, "organization">, of = partition): Promise<string> {
  count += 1;
  const consent = `con_${count}`;
  world.consents.set(consent, { organization, createTime: world.state.now });
  await world.consented("created", consent, 1, of);
  return consent;
}
const consentsAt = ({ path }: Pick<Opened, "path">): string[] =>
  receiver.at(path).map(({ body }) => JSON.parse(body).data.consent);
const toldOf = ({ organization }: Pick<Opened, "organization">): string[] =>
  world.told.filter((one) => one.organization === organization).map(({ text }) => text);
const got = (one: Pick<Opened, "path">, ...consents: string[]) =>
  expect.poll(() => consentsAt(one), within).toEqual(consents);
const deliveriesOf = async ({ client, id }: Opened, state = State.UNSPECIFIED) =>
  (await client.listWebhookDeliveries({ webhookEndpoint: id, state })).webhookDeliveries;
const endpointOf = async ({ client, id }: Opened) =>
  (await client.getWebhookEndpoint({ webhookEndpoint: id })).webhookEndpoint!;
const listedFor = async ({ organization }: Opened, least: number) =>
  expect
    .poll(async () => (await world.application(organization).listEvents({})).events.length, within)
    .toBeGreaterThanOrEqual(least);

test("an event is delivered once, signed for the Standard Webhooks library, thin, by the organization's own id of the patient", async () => {
  const one = await openEndpoint("signed");
  const consent = await granted(one);
  await got(one, consent);
  const [{ body, headers, id }] = receiver.at(one.path) as [
    { body: string; headers: Record<string, string>; id: string },
  ];
  const [event] = (await world.application(one.organization).listEvents({})).events;
  expect(new Webhook(one.secret).verify(body, headers)).toEqual({
    type: "consent.granted",
    timestamp: timestampDate(event!.eventTime!).toISOString(),
    data: {
      id,
      kind: "KIND_CONSENT_GRANTED",
      eventTime: expect.any(String),
      sequence: "1",
      patient: world.known(one.organization),
      consent,
      consentVersion: 1,
    },
  });
  expect(id).toBe(event!.id);
  await expect.poll(async () => (await deliveriesOf(one))[0]?.state, within).toBe(State.DELIVERED);
  const [delivery] = await deliveriesOf(one);
  expect(delivery).toMatchObject({ event: id, kind: Kind.CONSENT_GRANTED, attemptCount: 1 });
  expect(delivery!.attempts).toMatchObject([{ statusCode: 200, answerType: "", answerBytes: 0 }]);
  // In clear the store has neither address nor secret, and names no organization.
  const { documents } = await world.store().scan("webhook_endpoints", { equals: [], limit: 10 });
  expect(Buffer.from(JSON.stringify(documents)).toString()).not.toMatch(/localhost|whsec_|org_signed/);
  const entry = world.entries.find(({ method }) => method.endsWith("/CreateWebhookEndpoint"));
  expect(entry).toMatchObject({ organization: one.organization, patient: "" });
});

test("while two secrets hold, each verifies; later only the newer one; the same request id gives the same", async () => {
  const one = await openEndpoint("rotated");
  const rotate = { webhookEndpoint: one.id, requestId: "second" };
  const { secret: newer, webhookEndpoint } = await one.client.rotateWebhookSecret(rotate);
  expect((await one.client.rotateWebhookSecret(rotate)).secret).toBe(newer);
  expect(newer).not.toBe(one.secret);
  expect(webhookEndpoint!.previousSecretExpireTime).toEqual(timestampFromMs(world.state.now + DAY));
  const { attempt } = await one.client.testWebhookEndpoint({ webhookEndpoint: one.id });
  expect(attempt).toMatchObject({ statusCode: 200 });
  const [first] = receiver.at(one.path);
  for (const secret of [one.secret, newer]) {
    expect(new Webhook(secret).verify(first!.body, first!.headers)).toMatchObject({ type: "webhook.test" });
  }
  const signatures = (at: number) =>
    receiver.at(one.path)[at]!.headers["webhook-signature"]!.split(" ").length;
  expect(signatures(0)).toBe(2);
  world.state.now += DAY;
  await one.client.testWebhookEndpoint({ webhookEndpoint: one.id });
  expect(signatures(1)).toBe(1);
  // Of a leaked one nothing is left.
  const last = await one.client.rotateWebhookSecret({
    ...rotate,
    requestId: "third",
    overlap: { seconds: 0n },
  });
  await one.client.testWebhookEndpoint({ webhookEndpoint: one.id });
  const { body, headers, id } = receiver.at(one.path)[2]!;
  const sentAt = new Date(Number(headers["webhook-timestamp"]) * 1_000);
  expect(new Webhook(last.secret).sign(id, sentAt, body)).toBe(headers["webhook-signature"]);
  expect(await deliveriesOf(one)).toEqual([]);
});

test("an event that is refused holds up what comes later of its patient, nobody else's, and no other endpoint; it is tried again", async () => {
  const one = await openEndpoint("refuses");
  const second = await openEndpoint("takes", one.organization);
  receiver.answer(one.path, (response, received) => {
    response.writeHead(received.length === 1 ? 500 : 200).end();
  });
  const refused = await granted(one);
  await got(one, refused);
  const later = await granted(one);
  const others = await granted(one, other);
  await got(one, refused, others);
  await got(second, refused, later, others);
  expect((await deliveriesOf(one, State.WAITING)).length).toBe(2);
  world.state.now += 6_000;
  await got(one, refused, others, refused, later);
  const ids = receiver.at(one.path).map(({ id }) => id);
  expect(ids[2]).toBe(ids[0]);
  await expect.poll(() => deliveriesOf(one, State.WAITING), within).toEqual([]);
});

test("an endpoint that hangs holds up itself alone", async () => {
  const one = await openEndpoint("stuck");
  const second = await openEndpoint("quick");
  const held: ServerResponse[] = [];
  receiver.answer(one.path, (response) => void held.push(response));
  await granted(one);
  await expect.poll(() => held.length, within).toBe(1);
  const consent = await granted(second);
  await got(second, consent);
  expect((await deliveriesOf(one))[0]?.attemptCount).toBe(0);
  held[0]!.destroy();
  await expect.poll(async () => (await deliveriesOf(one))[0]?.attemptCount, within).toBe(1);
  expect((await deliveriesOf(one))[0]).toMatchObject({ state: State.WAITING, attempts: [{ statusCode: 0 }] });
  await one.client.deleteWebhookEndpoint({ webhookEndpoint: one.id });
  expect(await reasonOf(deliveriesOf(one))).toBe("NOT_FOUND");
});

test("what fails for three days is given up and can be retried; after five days the endpoint is disabled until it is enabled", async () => {
  const one = await openEndpoint("fails");
  receiver.answer(one.path, 500);
  const consent = await granted(one);
  await got(one, consent);
  const triesOf = async () =>
    (await deliveriesOf(one)).reduce((sum, { attemptCount }) => sum + attemptCount, 0);
  const nextDay = async () => {
    const before = await triesOf();
    world.state.now += DAY;
    await expect.poll(triesOf, within).toBeGreaterThan(before);
  };
  await expect.poll(async () => (await deliveriesOf(one))[0]?.attemptCount, within).toBe(1);
  const began = world.state.now;
  for (let day = 0; day < 3; day += 1) {
    expect((await deliveriesOf(one))[0]).toMatchObject({ state: State.WAITING });
    await nextDay();
  }
  const [given] = await deliveriesOf(one);
  expect(given).toMatchObject({ state: State.FAILED, attemptCount: 4 });
  expect(receiver.at(one.path)).toHaveLength(4);
  expect(await endpointOf(one)).toMatchObject({
    state: Whether.ENABLED,
    failingSinceTime: timestampFromMs(began),
  });
  // It goes on to fail with the next one.
  const next = await granted(one);
  await expect.poll(() => consentsAt(one).at(-1), within).toBe(next);
  await nextDay();
  expect((await endpointOf(one)).state).toBe(Whether.ENABLED);
  await nextDay();
  await expect.poll(async () => (await endpointOf(one)).state, within).toBe(Whether.DISABLED);
  expect(await endpointOf(one)).toMatchObject({ state: Whether.DISABLED, disableReason: Reason.FAILING });
  expect(world.warnings).toContain("an endpoint of webhooks is disabled");
  receiver.answer(one.path, 200);
  const webhookEndpoint = { id: one.id, state: Whether.ENABLED };
  await one.client.updateWebhookEndpoint({ webhookEndpoint });
  await expect.poll(async () => (await deliveriesOf(one, State.WAITING)).length, within).toBe(0);
  expect(await endpointOf(one)).not.toHaveProperty("failingSinceTime");
  const tries = receiver.at(one.path).length;
  await one.client.retryWebhookDelivery({ webhookEndpoint: one.id, event: given!.event });
  await expect.poll(() => receiver.at(one.path).length, within).toBe(tries + 1);
  expect(receiver.at(one.path).at(-1)!.id).toBe(given!.event);
});

test("that events are given up is told the organization's developers once, also where identity is away at first", async () => {
  const one = await openEndpoint("loses");
  receiver.answer(one.path, 500);
  world.state.mailServer = "down";
  await granted(one);
  await granted(one, other);
  for (let tries = 1; tries <= 4; tries += 1) {
    const counts = async () => (await deliveriesOf(one)).map(({ attemptCount }) => attemptCount);
    await expect.poll(counts, within).toEqual([tries, tries]);
    if (tries < 4) world.state.now += DAY;
  }
  expect(await deliveriesOf(one, State.FAILED)).toHaveLength(2);
  const waits = "an organization waits to be told of its webhook endpoint";
  await expect.poll(() => world.warnings, within).toContain(waits);
  expect(toldOf(one)).toEqual([]);
  world.state.mailServer = "up";
  world.state.now += 60_000;
  await expect.poll(() => toldOf(one), within).toHaveLength(1);
  expect(toldOf(one)[0]).toContain(`/developers/webhooks/${one.id}?organization=${one.organization}`);
  await expect
    .poll(
      async () => (await world.store().scan("webhook_alerts", { equals: [], limit: 9 })).documents,
      within,
    )
    .toEqual([]);
  expect(toldOf(one)).toHaveLength(1);
});

test("an endpoint that says it is gone gets nothing more, and its developers are told each time that it is disabled", async () => {
  const one = await openEndpoint("gone");
  receiver.answer(one.path, 410);
  await granted(one);
  await expect.poll(() => endpointOf(one), within).toMatchObject({ disableReason: Reason.GONE });
  await expect.poll(() => toldOf(one), within).toEqual([expect.stringContaining("410")]);
  await one.client.updateWebhookEndpoint({ webhookEndpoint: { id: one.id, state: Whether.ENABLED } });
  await expect.poll(() => toldOf(one), within).toHaveLength(2);
  await expect.poll(() => endpointOf(one), within).toMatchObject({ disableReason: Reason.GONE });
  receiver.answer(one.path, 200);
  const before = receiver.at(one.path).length;
  await granted(one);
  await listedFor(one, 2);
  expect(receiver.at(one.path)).toHaveLength(before);
});

test("consent is asked at each delivery: what the organization may not know any more is withheld, and without an answer all waits", async () => {
  const one = await openEndpoint("asked");
  world.state.disabled.add(one.organization);
  const ended = await granted(one);
  const stands = await granted(one);
  await listedFor(one, 2);
  const rests = async () => {
    const { documents } = await world.store().scan<PlaceDocument>(places.name, { equals: [], limit: 100 });
    return documents.find(({ document }) => document.endpoint === one.id)?.document.rest_time !== undefined;
  };
  await expect.poll(rests, within).toBe(true);
  world.state.disabled.delete(one.organization);
  world.consents.delete(ended);
  world.state.consentDown = true;
  const warned = world.warnings.length;
  world.state.now += 150_000;
  await expect.poll(() => world.warnings.slice(warned).join(), within).toContain("webhooks wait");
  expect(receiver.at(one.path)).toEqual([]);
  world.state.consentDown = false;
  world.state.now += 15_000;
  await got(one, stands);
  await expect.poll(async () => (await deliveriesOf(one, State.DELIVERED)).length, within).toBe(1);
  expect(await deliveriesOf(one, State.WITHHELD)).toMatchObject([
    { kind: Kind.UNSPECIFIED, attemptCount: 0 },
  ]);
  // Nor does the list of deliveries tell what the list of events does not.
  expect(await deliveriesOf(one, State.DELIVERED)).toMatchObject([{ kind: Kind.CONSENT_GRANTED }]);
  world.consents.delete(stands);
  expect(await deliveriesOf(one, State.DELIVERED)).toMatchObject([{ kind: Kind.UNSPECIFIED }]);
});

test("a process that dies once the endpoint has an event sends it again under its id, and loses none", async () => {
  const one = await openEndpoint("dies");
  receiver.answer(one.path, (response, received) => {
    if (received.length === 1) world.state.diskFull = true;
    response.end();
  });
  const warned = world.warnings.length;
  const first = await granted(one);
  await got(one, first);
  const waits = () => world.warnings.slice(warned).some((one) => one.includes("webhooks wait"));
  await expect.poll(waits, within).toBe(true);
  await world.restart();
  world.state.diskFull = false;
  const second = await granted(one);
  // Who died holds the endpoint for a moment still.
  world.state.now += 25_000;
  await got(one, first, first, second);
  expect(receiver.at(one.path)[1]!.id).toBe(receiver.at(one.path)[0]!.id);
});

test("replicas that look at once send each event once", async () => {
  const { kms, vault, network, pairwise, clock } = world;
  const store = world.store();
  const replicas = await Promise.all(
    [1, 2].map(async () =>
      createTurns({
        store,
        sealer: createItemSealer(await kms.derive(WEBHOOKS_KEY)),
        feed: createFeedRepository(store, vault),
        deliveries: createDeliveryRepository(store),
        courses: createCourseClient(network),
        standing: createStandingClient(network),
        sender: createWebhookSender({ reach: "internet and loopback", clock }),
        pairwise,
        clock,
        log: silentLogger,
        counted: () => {},
        workEveryMs: 5,
      }),
    ),
  );
  const all = await Promise.all(["first", "second", "third"].map((name) => openEndpoint(name)));
  for (const { path } of all) {
    receiver.answer(path, (response, received) => response.writeHead(received.length > 1 ? 200 : 500).end());
  }
  for (const replica of replicas) replica.start();
  for (const one of [...all, ...all]) await granted(one);
  for (const one of all) {
    await expect.poll(async () => (await deliveriesOf(one)).at(-1)?.attemptCount, within).toBe(1);
  }
  // All see at the same moment what is to be tried again.
  world.state.now += 6_000;
  for (const one of all) {
    await expect.poll(async () => (await deliveriesOf(one, State.DELIVERED)).length, within).toBe(2);
    expect(receiver.at(one.path)).toHaveLength(3);
  }
  for (const replica of replicas) await replica.close();
});

test("a replay delivers again from a time or a token, in order; kinds that were not asked for never; a pause loses nothing", async () => {
  const one = await openEndpoint("replays", undefined, [Kind.CONSENT_GRANTED]);
  const before = (await world.application(one.organization).listEvents({})).resumeToken;
  const consents = [await granted(one)];
  const webhookEndpoint = { id: one.id, state: Whether.PAUSED };
  await got(one, ...consents);
  const paused = await one.client.updateWebhookEndpoint({ webhookEndpoint });
  expect(paused.webhookEndpoint).toMatchObject({ state: Whether.PAUSED, etag: "v2" });
  world.consents.set(consents[0]!, {
    organization: one.organization,
    createTime: world.state.now,
    versions: [1, 2].map((i) => world.state.now + i),
  });
  await world.consented("amended", consents[0]!, 2);
  world.state.now += 1_000;
  const since = world.state.now;
  consents.push(await granted(one));
  await listedFor(one, 3);
  expect(consentsAt(one)).toHaveLength(1);
  const enabled = { id: one.id, state: Whether.ENABLED, etag: "v1" };
  expect(await reasonOf(one.client.updateWebhookEndpoint({ webhookEndpoint: enabled }))).toBe("STALE_ETAG");
  await one.client.updateWebhookEndpoint({ webhookEndpoint: { ...enabled, etag: "v2" } });
  await got(one, ...consents);
  const replay = (from: Parameters<typeof one.client.replayWebhookEvents>[0]["from"]) =>
    one.client.replayWebhookEvents({ webhookEndpoint: one.id, from: from! });
  await replay({ case: "startTime", value: timestampFromMs(since) });
  await got(one, ...consents, consents[1]!);
  await replay({ case: "resumeToken", value: before });
  await got(one, ...consents, consents[1]!, ...consents);
  expect(new Set(receiver.at(one.path).map(({ id }) => id)).size).toBe(2);
  expect(await reasonOf(replay({ case: "resumeToken", value: "x" }))).toBe("INVALID_RESUME_TOKEN");
});

test("an endpoint that was away for longer than events are listed is disabled and says so, and goes on with what is listed", async () => {
  const one = await openEndpoint("misses");
  world.state.disabled.add(one.organization);
  await granted(one);
  await listedFor(one, 1);
  world.state.now += 31 * DAY;
  const listed = await granted(one);
  await listedFor(one, 1);
  world.state.disabled.delete(one.organization);
  world.state.now += 150_000;
  await expect.poll(() => endpointOf(one), within).toMatchObject({ disableReason: Reason.EVENTS_MISSED });
  expect(receiver.at(one.path)).toEqual([]);
  await one.client.updateWebhookEndpoint({ webhookEndpoint: { id: one.id, state: Whether.ENABLED } });
  await got(one, listed);
});

test("endpoints are the organization's own, five at most, and for public addresses; a member manages them, a token of one patient does not", async () => {
  const one = await openEndpoint("own");
  const { organization, client } = one;
  const again = await openEndpoint("own");
  expect(again).toMatchObject({ id: one.id, secret: one.secret });
  const create = (requestId: string, url = receiver.url("/own")) =>
    client.createWebhookEndpoint({ webhookEndpoint: { url }, requestId });
  expect(await reasonOf(create("own", "https://example.org/"))).toBe("REQUEST_ID_REUSED");
  world.state.now += DAY;
  expect((await create("own")).secret).toBe("");
  expect(await reasonOf(create("inside", "https://10.0.0.1/"))).toBe("INVALID_FIELD");
  const made = await Promise.all(["b", "c", "d", "e", "f"].map((id) => reasonOf(create(id))));
  expect(made.filter((reason) => reason === "TOO_MANY_WEBHOOK_ENDPOINTS")).toHaveLength(1);
  expect((await client.listWebhookEndpoints({})).webhookEndpoints).toHaveLength(5);
  const theirs = hooks("org_stranger");
  expect((await theirs.listWebhookEndpoints({})).webhookEndpoints).toEqual([]);
  const named = { webhookEndpoint: one.id };
  const tried = [
    theirs.getWebhookEndpoint(named),
    theirs.updateWebhookEndpoint({ webhookEndpoint: { id: one.id, url: "https://example.org/" } }),
    theirs.rotateWebhookSecret({ ...named, requestId: "x" }),
    theirs.testWebhookEndpoint(named),
    theirs.listWebhookDeliveries(named),
    theirs.retryWebhookDelivery({ ...named, event: "evt_1" }),
  ].map(reasonOf);
  expect(new Set(await Promise.all(tried))).toEqual(new Set(["NOT_FOUND"]));
  await theirs.deleteWebhookEndpoint(named);
  expect((await client.getWebhookEndpoint(named)).webhookEndpoint!.id).toBe(one.id);
  const member = world.webhooks(organization, { kind: "member", id: "usr_1", roles: ["developer"] });
  expect((await member.listWebhookEndpoints({})).webhookEndpoints).toHaveLength(5);
  const ofOnePatient = world.webhooks(organization, { onlyPatient: partition });
  expect(await reasonOf(ofOnePatient.listWebhookEndpoints({}))).toBe("CALLER_NOT_PERMITTED");
});

test("wellapi check opens each endpoint, and finds one that was changed", async () => {
  const { vault, kms } = world;
  const check = noticesCheck({ vault: vault as never, kms, sealer: {} as never });
  const { documents } = await world.store().scan("webhook_endpoints", { equals: [], limit: 1 });
  const { document } = documents[0]!;
  const find = check.documents.webhook_endpoints!;
  expect(await find(document)).toBeUndefined();
  const sealed = Buffer.from(document.sealed as Uint8Array);
  sealed[sealed.length - 1]! ^= 1;
  expect(await find({ ...document, sealed })).toMatchObject({ what: "its seal does not open" });
});
