import { createRegistry, describeService } from "@wellapi/service";
import { expect, test } from "vitest";
import { dataFiles } from "../src/backup/take.ts";
import { services } from "../src/services.ts";

test("a backup copies what sends before what receives", () => {
  expect(dataFiles(services)).toEqual([
    "reserves/records.leaves",
    "reserves/consent.leaves",
    "reserves/identity.leaves",
    "records.db",
    "events.db",
    "consent.db",
    "identity.db",
    "audit.db",
  ]);
});

test("a consumer of events is copied after the events, and before those whom it calls", () => {
  const notices = describeService({
    name: "notices",
    contracts: [],
    store: { collections: [], check: async () => ({ collections: [], documents: {} }) },
    needs: ["events", "access_log"],
    consumes: ["records.>"],
    calls: ["consent"],
    replicas: "many",
    compose: async () => ({ routes: [] }),
  });
  const files = dataFiles(createRegistry([...services.services, notices]));
  expect(files.filter((file) => file.endsWith(".db"))).toEqual([
    "records.db",
    "events.db",
    "notices.db",
    "consent.db",
    "identity.db",
    "audit.db",
  ]);
  expect(files[0]).toBe("reserves/notices.leaves");
});
