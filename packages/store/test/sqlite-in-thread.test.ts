import { describeStoreContract } from "./contract.ts";
import { openSqliteUnderTest } from "./store-under-test.ts";

// Here `make mutants` can change what else runs in the worker, too.
describeStoreContract("sqlite in the caller's thread", (collections) =>
  openSqliteUnderTest(collections, { thread: "callers" }),
);

describeStoreContract("sqlite in a thread of several stores", (collections) =>
  openSqliteUnderTest(collections, { thread: "shared" }),
);
