import { describeStoreContract } from "./contract.ts";
import { openSqliteUnderTest } from "./store-under-test.ts";

describeStoreContract("sqlite", openSqliteUnderTest);
