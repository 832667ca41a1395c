import { afterAll, describe, vi } from "vitest";
import { describeStoreContract } from "./contract.ts";
import { openMongoServer } from "./mongo-server.ts";
import { openMongoUnderTest } from "./mongo-under-test.ts";

// The test server answers about 1,500 commands a second, and one hundred racing increments take some 15,000.
vi.setConfig({ testTimeout: 60_000 });

const server = await openMongoServer();
afterAll(() => server?.stop());

describe.skipIf(!server)("mongo", () => {
  describeStoreContract("mongo", (collections) => openMongoUnderTest(server!.uri, collections));
});
