import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, createClient } from "@connectrpc/connect";
import { KeyService, KeyState } from "@wellapi/gen/wellapi/internal/keys/v1/key_service_pb";
import { CallerKind } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { openFileJournal } from "@wellapi/journal";
import { anonymous, callersOf, problemFor } from "@wellapi/rpc";
import { createTestTransport } from "@wellapi/rpc/testing";
import { systemClock } from "@wellapi/runtime";
import { openSqliteStore } from "@wellapi/store";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keysCollections, openKeysService } from "../src/index.ts";

const name = { partition: "local/pat_1", use: "data" };
const wrapped = Uint8Array.of(1, 2, 3);
let close: () => Promise<void>;
let clientOf: (workload: string) => ReturnType<typeof createClient<typeof KeyService>>;

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-keys-"));
  const store = await openSqliteStore({
    thread: "callers",
    path: join(folder, "keys.db"),
    collections: keysCollections,
  });
  const journal = await openFileJournal({ thread: "callers", folder: join(folder, "journal") });
  const { routes } = await openKeysService({ store, journal, clock: systemClock });
  clientOf = (workload) =>
    createClient(KeyService, createTestTransport({ routes, caller: { ...anonymous, workload } }));
  close = async () => {
    await store.close();
    await journal.close();
    await rm(folder, { recursive: true });
  };
});
afterEach(() => close());

describe("a key", () => {
  test("is found as it was stored, and storing another changes nothing", async () => {
    const keys = clientOf("records");
    expect((await keys.findKey({ name })).state).toBe(KeyState.ABSENT);
    expect((await keys.insertKey({ name, wrapped })).state).toBe(KeyState.PRESENT);
    await keys.insertKey({ name, wrapped: Uint8Array.of(9) });
    const found = await keys.findKey({ name });
    expect(found.versions.map(({ version, wrapped }) => [version, ...wrapped])).toEqual([[1, 1, 2, 3]]);
  });

  test("that is destroyed is gone for ever, and cannot be stored again; the other use lives on", async () => {
    const keys = clientOf("records");
    await keys.insertKey({ name, wrapped });
    await keys.insertKey({ name: { ...name, use: "audit" }, wrapped });
    expect((await keys.destroyKey({ name })).versions).toBe(1);
    expect((await keys.destroyKey({ name })).versions).toBe(0);
    expect(await keys.findKey({ name })).toMatchObject({ state: KeyState.DESTROYED, versions: [] });
    expect((await keys.insertKey({ name, wrapped })).state).toBe(KeyState.DESTROYED);
    expect((await keys.findKey({ name: { ...name, use: "audit" } })).state).toBe(KeyState.PRESENT);
  });
});

test("a key is destroyed for records alone, and is there after every other service has tried", async () => {
  const { kinds, workloads } = callersOf(KeyService.method.destroyKey)!;
  expect([kinds, workloads]).toEqual([[CallerKind.ANYONE], ["records"]]);
  await clientOf("records").insertKey({ name, wrapped });
  for (const workload of ["identity", "audit", "consent", "ingestion", "gateway", "door", ""]) {
    const refusal = await clientOf(workload)
      .destroyKey({ name })
      .catch((error: unknown) => problemFor(error));
    expect(refusal, workload).toMatchObject({
      code: Code.PermissionDenied,
      reason: "CALLER_NOT_PERMITTED",
    });
  }
  expect((await clientOf("records").findKey({ name })).state).toBe(KeyState.PRESENT);
  expect((await clientOf("records").destroyKey({ name })).versions).toBe(1);
});

test("the first fingerprint is kept", async () => {
  const first = new Uint8Array(32).fill(1);
  const other = new Uint8Array(32).fill(2);
  await clientOf("identity").getFingerprint({ fingerprint: first });
  const kept = await clientOf("audit").getFingerprint({ fingerprint: other });
  expect(kept.fingerprint).toEqual(first);
});

test.each(["ingestion", "gateway", "door", "keys"])("%s gets no keys", async (workload) => {
  await expect(clientOf(workload).findKey({ name })).rejects.toMatchObject({ code: Code.PermissionDenied });
});
