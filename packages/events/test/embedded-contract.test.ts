import { describeEventsContract } from "./contract.ts";
import { openEmbeddedUnderTest } from "./events-under-test.ts";

describeEventsContract("embedded", () => openEmbeddedUnderTest());
