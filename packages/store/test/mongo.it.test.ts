import { afterAll, describe } from "vitest";
import { describeStoreContract } from "./contract.ts";
import { openMongoServer } from "./mongo-server.ts";
import { openMongoUnderTest } from "./mongo-under-test.ts";

const server = await openMongoServer();
afterAll(() => server?.stop());

describe.skipIf(!server)("mongo", () => {
  describeStoreContract("mongo", (collections) => openMongoUnderTest(server!.uri, collections));
});
