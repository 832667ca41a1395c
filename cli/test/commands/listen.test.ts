import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { EventService, Event_Kind as Kind } from "@wellapi/gen/wellapi/notices/v1/event_service_pb";
import { problemError } from "@wellapi/grpc-client";
import { Webhook } from "standardwebhooks";
import { expect, onTestFinished, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

const event = {
  id: "evt_1",
  kind: Kind.CONSENT_GRANTED,
  eventTime: timestampFromMs(Date.UTC(2026, 3, 12, 8)),
  sequence: 1n,
  patient: "pat_1",
  consent: "con_1",
  consentVersion: 1,
};
const refused = {
  ...event,
  id: "evt_2",
  kind: Kind.CONSENT_REQUEST_REFUSED,
  consent: "",
  consentRequest: "crq_1",
  sequence: 2n,
};

/** An exchange whose watch is cut after the first event. */
async function openExchange() {
  const asked: string[] = [];
  const env = await openGateway(({ service }) =>
    service(EventService, {
      async *watchEvents({ resumeToken }) {
        asked.push(resumeToken);
        if (asked.length === 1) {
          yield { events: [], resumeToken: "token-0" };
          yield { events: [event], resumeToken: "token-1" };
          throw problemError({ code: Code.Unavailable, reason: "STORE_UNAVAILABLE", message: "later" });
        }
        yield { events: [refused], resumeToken: "token-2" };
        await new Promise(() => {});
      },
    }),
  );
  return { env, asked };
}

interface Delivery {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A receiver of webhooks that answers with these statuses, one after the other. */
async function openReceiver(...statuses: number[]) {
  const deliveries: Delivery[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    deliveries.push({ headers: request.headers as Record<string, string>, body });
    response.writeHead(statuses[deliveries.length - 1] ?? 200, { location: "/elsewhere" }).end("x");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { deliveries, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

test("prints events as they come, connects again where it was cut, and says how to go on", async () => {
  const { env, asked } = await openExchange();
  const stop = new AbortController();
  const heard = await wellapi(["listen"], {
    env,
    interrupt: stop.signal,
    onOut: (text) => {
      if (text.includes("crq_1")) setImmediate(() => stop.abort());
    },
  });
  expect(heard.code).toBe(0);
  expect(heard.out.split("\n")).toEqual([
    "2026-04-12T08:00:00.000Z consent.granted con_1 pat_1",
    "2026-04-12T08:00:00.000Z consent_request.refused crq_1 pat_1",
  ]);
  expect(heard.err).toContain("later; connecting again");
  expect(heard.err).toContain("--resume token-2");
  expect(asked).toEqual(["", "token-1"]);
});

test("forwards each as a webhook that the Standard Webhooks library verifies, again where it failed, and follows no redirect", async () => {
  const { env } = await openExchange();
  const receiver = await openReceiver(500, 302, 200, 204);
  const stop = new AbortController();
  const heard = await wellapi(["listen", "--json", "--forward-to", receiver.url], {
    env,
    interrupt: stop.signal,
    onErr: (text) => {
      if (text.startsWith("evt_2 taken")) setImmediate(() => stop.abort());
    },
  });
  expect(heard.out.split("\n").map((line) => JSON.parse(line).id)).toEqual(["evt_1", "evt_2"]);
  const ids = receiver.deliveries.map(({ headers }) => headers["webhook-id"]);
  expect(ids).toEqual(["evt_1", "evt_1", "evt_1", "evt_2"]);
  const secret = /whsec_\S+/.exec(heard.err)![0];
  const verified = receiver.deliveries.map(({ body, headers }) => new Webhook(secret).verify(body, headers));
  expect(verified[3]).toEqual({
    type: "consent_request.refused",
    timestamp: "2026-04-12T08:00:00.000Z",
    data: expect.objectContaining({ id: "evt_2", consentRequest: "crq_1", patient: "pat_1" }),
  });
  const { body, headers } = receiver.deliveries[0]!;
  expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow("No matching signature");
});

test.each(["http://example.org/hook", "ftp://localhost/", "https://a:b@localhost/", "nowhere"])(
  "%s is no address to forward to",
  async (url) => {
    const { code, err } = await wellapi(["listen", "--forward-to", url], {
      env: { WELLAPI_API_KEY: "wak_x" },
    });
    expect(code).toBe(2);
    expect(err).toContain("--forward-to");
  },
);

test("says that events are missing where the token is too old", async () => {
  const env = await openGateway(({ service }) =>
    service(EventService, {
      // biome-ignore lint/correctness/useYield: it is refused before its first message
      async *watchEvents() {
        throw problemError({ code: Code.OutOfRange, reason: "RESUME_TOKEN_TOO_OLD", message: "gone" });
      },
    }),
  );
  const { code, err } = await wellapi(["listen", "--resume", "old"], { env });
  expect(code).toBe(8);
  expect(err).toBe("RESUME_TOKEN_TOO_OLD: gone");
});
