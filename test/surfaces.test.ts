import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { afterAll, beforeAll, describe } from "vitest";
import { describeSurfaces, surfaceSettings } from "./surface/cases.ts";

// mesh-processes.it.test.ts has the same for a process a service.
describe("all services in one process", () => {
  const folder = temporaryFolder();
  let server: Server;

  beforeAll(async () => {
    server = await startServer({ dataDir: folder.path, target: "one-process", env: surfaceSettings });
  });
  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  describeSurfaces(() => server);
});
