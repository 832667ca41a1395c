import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { describeReadsInFlight } from "./reads-in-flight.ts";

// mesh-processes.it.test.ts has the same for a process a service.
describe("all services in one process", () => {
  const folder = temporaryFolder();
  let server: Server;

  beforeAll(async () => {
    server = await startServer({ dataDir: folder.path, target: "one-process" });
  });
  afterAll(async () => {
    expect(await server?.stop()).toBe(0);
    folder.remove();
  });

  describeReadsInFlight(() => server);
});
