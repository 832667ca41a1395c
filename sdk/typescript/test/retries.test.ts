import { Code, createClient, createRouterTransport } from "@connectrpc/connect";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { problemError } from "@wellapi/grpc-client";
import { expect, test } from "vitest";
import { withRetries } from "../src/retries.ts";

/** A server whose calls fail, or not, as `answers` says; which of them came. */
function serverOf(fails: () => boolean) {
  let calls = 0;
  const transport = createRouterTransport(({ service }) =>
    service(ConsentService, {
      listConsents() {
        calls += 1;
        if (fails()) {
          throw problemError({ code: Code.Unavailable, reason: "BUSY", message: "m", retryAfterMs: 1 });
        }
        return {};
      },
    }),
  );
  return { transport, calls: () => calls };
}

test("a server that fails for everybody uses up the budget, which successes earn anew", async () => {
  let failing = true;
  const { transport, calls } = serverOf(() => failing);
  const client = createClient(ConsentService, withRetries(transport, { attempts: 2, budget: 2 }));
  for (const made of [2, 4, 5, 6]) {
    await expect(client.listConsents({})).rejects.toMatchObject({ reason: "BUSY" });
    expect(calls()).toBe(made);
  }
  failing = false;
  for (let call = 0; call < 11; call++) await client.listConsents({});
  failing = true;
  await expect(client.listConsents({})).rejects.toMatchObject({ reason: "BUSY" });
  expect(calls()).toBe(6 + 11 + 2);
});

test("a call that its signal ends is not repeated", async () => {
  const stop = new AbortController();
  const { transport, calls } = serverOf(() => {
    stop.abort();
    return true;
  });
  const client = createClient(ConsentService, withRetries(transport, { attempts: 5 }));
  await expect(client.listConsents({}, { signal: stop.signal })).rejects.toThrow();
  expect(calls()).toBe(1);
});
