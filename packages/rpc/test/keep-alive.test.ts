import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { createClient, type Transport } from "@connectrpc/connect";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { silentLogger } from "@wellapi/runtime";
import { expect, onTestFinished, test } from "vitest";
import {
  type GrpcServerOptions,
  openGrpcServer,
  openPeerTransport,
  serverInterceptors,
} from "../src/index.ts";
import { createTrustingAuthentication, partialRoute } from "../src/testing.ts";
import { openRelay } from "./relay.ts";

function peer(address: string): Transport {
  const opened = openPeerTransport({ addresses: [address], retries: { attempts: 1 } });
  onTestFinished(opened.close);
  return opened.transport;
}

/** Its streams say something when told to, and that they were ended. */
async function openStreams(limits: GrpcServerOptions["limits"]) {
  const speak = new EventTarget();
  const ended = Promise.withResolvers<void>();
  const server = await openGrpcServer({
    routes: [
      partialRoute(RecordsService, {
        async *watchSeries(_request, { signal }) {
          signal.addEventListener("abort", () => ended.resolve());
          for (;;) {
            yield {};
            await once(speak, "speak", { signal });
          }
        },
      }),
    ],
    interceptors: serverInterceptors({
      log: silentLogger,
      authentication: createTrustingAuthentication({
        principal: { kind: "application", id: "app_1", organization: "org_1" },
        workload: "door",
        token: "t",
      }),
    }),
    host: "127.0.0.1",
    port: 0,
    ...(limits && { limits }),
    reflection: false,
    log: silentLogger,
  });
  onTestFinished(() => server.close());
  return {
    address: `127.0.0.1:${server.port}`,
    speak: () => speak.dispatchEvent(new Event("speak")),
    ended: ended.promise,
  };
}

function watch(transport: Transport) {
  const request = { patient: "pat_1", codes: [{ code: "8867-4" }], purpose: Purpose.TREATMENT };
  return createClient(RecordsService, transport).watchSeries(request)[Symbol.asyncIterator]();
}

test("a stream on an aged connection outlives the pings of both ends", async () => {
  const { address, speak } = await openStreams({
    connectionAgeMs: 100,
    keepAlive: { everyMs: 150, timeoutMs: 3_000 },
  });
  const stream = watch(peer(address));
  expect((await stream.next()).done).toBe(false);
  await delay(4_000); // many pings of the server's, two of the client's
  speak();
  expect((await stream.next()).done).toBe(false);
}, 10_000);

test("a client that vanished holds its stream no longer than a ping may take", async () => {
  const { address, ended } = await openStreams({ keepAlive: { everyMs: 150, timeoutMs: 1_000 } });
  const relay = await openRelay(address);
  onTestFinished(relay.close);
  const stream = watch(peer(relay.address));
  expect((await stream.next()).done).toBe(false);
  relay.forget();
  const late = delay(15_000).then(() => "late"); // the usual pings would take 80 s
  expect(await Promise.race([ended, late])).not.toBe("late");
  stream.next().catch(() => {});
});
