import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClosers, silentLogger } from "@wellapi/runtime";
import { expect, it } from "vitest";
import { prepareDataFolder } from "../src/data-folder.ts";
import { createInProcessPlatform } from "../src/in-process-platform.ts";
import { services } from "../src/services.ts";

it("gives all services of one process the same events: what one publishes another consumes", async ({
  onTestFinished,
}) => {
  const dataDir = await mkdtemp(join(tmpdir(), "wellapi-platform-"));
  const closers = createClosers();
  onTestFinished(async () => {
    await closers.closeAll();
    await rm(dataDir, { recursive: true });
  });
  const platform = createInProcessPlatform({
    installation: {
      trustDomain: "wellapi.test",
      profile: "sandbox",
      region: "local",
      mtlsOrigin: () => undefined,
      origin: () => "http://localhost:7080",
    },
    registry: services,
    folder: prepareDataFolder(dataDir),
    masterKey: { path: join(dataDir, "master.key") },
    journal: { folder: join(dataDir, "journal"), accepted: undefined },
    logFolders: { directory: join(dataDir, "log"), publishedDirectory: join(dataDir, "published") },
    readOnly: () => false,
    terminologyDir: undefined,
    closers,
    log: silentLogger,
  });
  const [publishing, consuming] = await Promise.all([
    platform.openEvents(["records.>"]),
    platform.openEvents(["notices.>"]),
  ]);
  const got = Promise.withResolvers<readonly string[]>();
  await consuming.consume({
    durable: "notices",
    subjects: ["records.>"],
    handle: async (events) => got.resolve(events.map(({ id }) => id)),
  });
  await publishing.publish([{ id: "e1", subject: "records.made", data: new Uint8Array(), headers: {} }]);
  expect(await got.promise).toEqual(["e1"]);
});
