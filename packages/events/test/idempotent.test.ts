import { openEmbeddedUnderTest } from "./events-under-test.ts";
import { describeIdempotentContract } from "./idempotent-contract.ts";

describeIdempotentContract("embedded", () => openEmbeddedUnderTest());
