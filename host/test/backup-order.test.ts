import { createRegistry, describeService } from "@wellapi/service";
import { expect, test } from "vitest";
import { dataFiles } from "../src/backup/take.ts";
import { services } from "../src/services.ts";

/** Those that the order was thought out for; a service that is new has its place by its descriptor. */
const known = ["keys", "audit", "identity", "consent", "records", "ingestion", "gateway"].map(
  services.service,
);

test("a backup copies what sends before what receives", () => {
  expect(dataFiles(createRegistry(known))).toEqual([
    "reserves/records.leaves",
    "reserves/consent.leaves",
    "reserves/identity.leaves",
    "records.db",
    "consent.db",
    "events.db",
    "identity.db",
    "audit.db",
  ]);
});

test("every store and every reserve is in it", () => {
  const files = dataFiles(services);
  for (const { name, store, needs } of services.services) {
    expect(files.includes(`${name}.db`), name).toBe(store !== undefined);
    expect(files.includes(`reserves/${name}.leaves`), name).toBe(needs.includes("access_log"));
  }
});

test("a consumer of events is copied after the events, and before those whom it calls that publish none", () => {
  const notices = describeService({
    name: "notices",
    contracts: [],
    store: { collections: [], check: async () => ({ collections: [], documents: {} }) },
    needs: ["events", "access_log"],
    consumes: ["records.>"],
    calls: ["consent", "identity"],
    replicas: "many",
    compose: async () => ({ routes: [] }),
  });
  const files = dataFiles(createRegistry([...known, notices]));
  expect(files.filter((file) => file.endsWith(".db"))).toEqual([
    "records.db",
    "consent.db",
    "events.db",
    "notices.db",
    "identity.db",
    "audit.db",
  ]);
  expect(files[0]).toBe("reserves/notices.leaves");
});
