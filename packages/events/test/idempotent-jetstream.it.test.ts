import { afterAll, describe } from "vitest";
import { describeIdempotentContract } from "./idempotent-contract.ts";
import { openJetStreamUnderTest } from "./jetstream-under-test.ts";
import { findNatsServer, openNatsServers } from "./nats-server.ts";

const external = process.env.WELLAPI_NATS_URL;
const tool = external ? undefined : await findNatsServer();
const own = tool && (await openNatsServers(tool, 1));
afterAll(() => own?.close());

const servers = external ? [external] : (own?.urls ?? []);

describe.skipIf(servers.length === 0)("over JetStream", () => {
  describeIdempotentContract("JetStream", () => openJetStreamUnderTest(servers));
});
