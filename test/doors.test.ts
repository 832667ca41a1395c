import { ConnectError } from "@connectrpc/connect";
import { FhirRefusal } from "@wellapi/demo/fhir-reader";
import { createNarrator } from "@wellapi/demo/narrator";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { tellStory } from "@wellapi/demo/story";
import { problemOf } from "@wellapi/rpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { badInputSettings, describeBadInputs } from "./bad-inputs.ts";

// mesh-processes.it.test.ts has the same for a process a service.
describe("all services in one process", () => {
  const folder = temporaryFolder();
  let server: Server;

  beforeAll(async () => {
    server = await startServer({ dataDir: folder.path, target: "one-process", env: badInputSettings });
  });
  afterAll(async () => {
    expect(await server?.stop()).toBe(0);
    folder.remove();
  });

  test("tells the whole story", async () => {
    const narrator = createNarrator((error) =>
      error instanceof FhirRefusal ? error.reason : problemOf(ConnectError.from(error)).reason,
    );
    await tellStory(server, narrator);
    expect(narrator.failures).toEqual([]);
  }, 60_000);

  describeBadInputs(() => server);
});
