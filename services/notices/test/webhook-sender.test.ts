/** Endpoints that behave badly, and addresses that lead inside: a real HTTPS server, and a resolver that says what an attacker's would. */
import { systemClock } from "@wellapi/runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mayReach, problemOfUrl } from "../src/webhooks/address.ts";
import { newSecret } from "../src/webhooks/endpoint.ts";
import { type AddressesOf, createWebhookSender } from "../src/webhooks/webhook-sender.ts";
import { openWebhookReceiver, type WebhookReceiver } from "./webhook-receiver.ts";

let receiver: WebhookReceiver;
beforeAll(async () => {
  receiver = await openWebhookReceiver();
});
afterAll(() => receiver.close());

const secrets = [newSecret("one").secret];
const message = { id: "evt_1", body: "{}" };
const never = new AbortController().signal;
const here: AddressesOf = async () => [{ address: "127.0.0.1", family: 4 }];

function sendTo(
  path: string,
  { timeoutMs = 5_000, addressesOf = here, reach = "internet and loopback" as const } = {},
) {
  const sender = createWebhookSender({ reach, clock: systemClock, timeoutMs, addressesOf });
  return sender.send({ url: receiver.url(path), secrets }, message, never);
}

test("an endpoint that hangs is given up in time, also one that is never silent", async () => {
  receiver.answer("/hangs", () => {});
  receiver.answer("/beats", (response) => {
    const beat = setInterval(() => response.writeProcessing(), 20);
    response.on("close", () => clearInterval(beat));
  });
  const [hangs, beats] = await Promise.all([
    sendTo("/hangs", { timeoutMs: 200 }),
    sendTo("/beats", { timeoutMs: 200 }),
  ]);
  expect(hangs).toMatchObject({ outcome: "timed_out", status: 0 });
  expect(beats).toMatchObject({ outcome: "timed_out", status: 0 });
  expect(beats.latency).toBeGreaterThanOrEqual(190);
});

test("a redirect is not followed, wherever it leads", async () => {
  receiver.answer("/moved", (response) =>
    response.writeHead(301, { location: receiver.url("/inside") }).end(),
  );
  expect(await sendTo("/moved")).toMatchObject({ outcome: "redirected", status: 301 });
  expect(receiver.at("/moved")).toHaveLength(1);
  expect(receiver.at("/inside")).toEqual([]);
});

test("of an answer of 10 MB 64 KiB are read, and nothing of it is kept but its form", async () => {
  let ended: (whole: boolean) => void;
  const sentAll = new Promise<boolean>((resolve) => {
    ended = resolve;
  });
  receiver.answer("/large", (response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.on("close", () => ended(response.writableFinished));
    response.end(Buffer.alloc(10_000_000, "secret"));
  });
  const attempt = await sendTo("/large");
  const form = { outcome: "taken", status: 200, type: "text/html", bytes: 65_536 };
  expect(attempt).toEqual({ ...form, time: expect.any(Number), latency: expect.any(Number) });
  expect(await sentAll).toBe(false);
});

test("a status counts although its answer never ends; a media type that is none is not shown", async () => {
  receiver.answer("/half", (response) => {
    response.writeHead(503, { "content-type": "patient Ada has a heart" });
    response.write("x");
  });
  // A machine that stalls may let the time pass before the status comes.
  await expect
    .poll(() => sendTo("/half", { timeoutMs: 200 }))
    .toMatchObject({ outcome: "refused", status: 503, type: "", bytes: 1 });
});

test.each([
  ["loopback", ["127.0.0.1"]],
  ["loopback of IPv6", ["::1"]],
  ["the metadata of a cloud", ["169.254.169.254"]],
  ["a private network", ["10.1.2.3"]],
  ["an own network of IPv6", ["fd00:ec2::254"]],
  ["a mapped address", ["::ffff:127.0.0.1"]],
  ["a translated address", ["64:ff9b::7f00:1"]],
  ["one inside beside one outside", ["93.184.215.14", "127.0.0.1"]],
])("nothing is sent where the name leads to %s", async (_, addresses) => {
  const before = receiver.connections();
  const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }) as const);
  const attempt = await sendTo("/never", { reach: "internet", addressesOf: async () => found } as object);
  expect(attempt).toMatchObject({ outcome: "address_refused", status: 0 });
  expect(receiver.connections()).toBe(before);
});

test("an address in the URL itself is checked as well, though it is never resolved", async () => {
  const before = receiver.connections();
  const sender = createWebhookSender({ reach: "internet", clock: systemClock, addressesOf: here });
  for (const host of ["127.0.0.1", "[::1]", "[::ffff:7f00:1]", "2130706433"]) {
    const url = `https://${host}:${receiver.port}/`;
    const attempt = await sender.send({ url, secrets }, message, never);
    expect(attempt).toMatchObject({ outcome: "address_refused" });
  }
  expect(receiver.connections()).toBe(before);
});

test("the connection goes to the address that was checked: nobody asks the name a second time", async () => {
  let asked = 0;
  const rebinding: AddressesOf = async () => {
    asked += 1;
    return [{ address: asked === 1 ? "127.0.0.1" : "10.0.0.1", family: 4 }];
  };
  expect(await sendTo("/once", { addressesOf: rebinding })).toMatchObject({ outcome: "taken" });
  expect(asked).toBe(1);
});

test("only addresses of the public Internet may be reached", () => {
  const inside = [
    ..."0.0.0.0 10.0.0.1 100.64.0.1 127.8.8.8 169.254.1.1 172.31.0.1 192.0.0.8 192.0.2.1 192.168.1.1 198.18.0.1".split(
      " ",
    ),
    ..."198.51.100.1 203.0.113.9 224.0.0.1 240.0.0.1 255.255.255.255".split(" "),
    ...":: ::1 ::7f00:1 ::ffff:10.0.0.1 fe80::1 fec0::1 fc00::1 ff02::1 100::1 2001:db8::1 3fff::1 2002:7f00:1::".split(
      " ",
    ),
    ..."2001::1 64:ff9b::a00:1 64:ff9b:1::1 4000::1 nowhere".split(" "),
  ];
  expect(inside.filter((address) => mayReach(address, "internet"))).toEqual([]);
  const outside = ["93.184.215.14", "::ffff:93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"];
  expect(outside.filter((address) => !mayReach(address, "internet"))).toEqual([]);
  expect(mayReach("127.0.0.1", "internet and loopback")).toBe(true);
  expect(mayReach("10.0.0.1", "internet and loopback")).toBe(false);
});

test("an endpoint is https, a public name, and one of two ports", () => {
  const bad = [
    ..."http://example.org/ ftp://example.org/ nowhere https://a:b@example.org/ https://example.org/#x".split(
      " ",
    ),
    ..."https://10.0.0.1/ https://0x7f.1/ https://[::1]/ https://localhost/ https://localhost./ https://consent/".split(
      " ",
    ),
    ..."https://consent.wellapi.svc/ https://consent.wellapi.svc.cluster.local/ https://printer.local/".split(
      " ",
    ),
    ..."https://example.org:22/ https://example.org:80/ https://api.localhost/".split(" "),
  ];
  expect(bad.filter((url) => problemOfUrl(url, "internet") === undefined)).toEqual([]);
  const good = [
    "https://example.org/hook?k=1",
    "https://example.org:443/",
    "https://hooks.example.org:8443/",
  ];
  expect(good.filter((url) => problemOfUrl(url, "internet") !== undefined)).toEqual([]);
  expect(problemOfUrl("https://localhost:3000/", "internet and loopback")).toBeUndefined();
  expect(problemOfUrl("https://10.0.0.1/", "internet and loopback")).toBeDefined();
});
