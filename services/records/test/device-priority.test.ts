import type { Actor } from "@wellapi/rpc";
import { describe, expect, it } from "vitest";
import { recordsCheck } from "../src/check.ts";
import { makers, merged, mergeInit, nameOf, rank, type Sender, send } from "./merge-scene.ts";
import { openSignalBus } from "./signal-bus.ts";
import { allBytes, application, openWorld, reasonOf } from "./world.ts";

const watch: Sender = { maker: 0, device: "serial-of-a-watch", granularity: 1 };
const ring: Sender = { maker: 1, device: "serial-of-a-ring", granularity: 1 };

async function openRanked() {
  const world = await openWorld();
  const patient = world.patient();
  await send(world, patient, [
    { ...watch, times: [0] },
    { ...ring, times: [0] },
  ]);
  return { world, patient, id: world.ownId(patient), own: world.own(patient) };
}

async function reads(world: Awaited<ReturnType<typeof openWorld>>, collection: string, partition: string) {
  return world.store.get(collection, [partition]);
}

describe("a patient's order of devices", () => {
  it("is empty at first, and then what the patient set, by the patient's own ids", async () => {
    const { world, patient, id, own } = await openRanked();
    const before = await own.getDevicePriority({ patient: id });
    expect(before.priority).toBeUndefined();
    const set = await rank(world, patient, [ring, watch]);
    expect(set.devices.map(({ organization }) => organization)).toEqual([
      makers[1]!.organization,
      makers[0]!.organization,
    ]);
    const { series } = await own.listSeries({ patient: id, purpose: 5 });
    const known = series.map(({ source }) => source!.deviceId).sort();
    expect(set.devices.map(({ deviceId }) => deviceId).sort()).toEqual(known);
    expect((await own.getDevicePriority({ patient: id })).priority).toEqual(set);
  });

  it("is replaced as a whole, unless it has changed since the version that was read", async () => {
    const { world, patient, id, own } = await openRanked();
    const first = await rank(world, patient, [ring]);
    const second = await rank(world, patient, [watch]);
    expect(second.etag).not.toBe(first.etag);
    const stale = own.setDevicePriority({ patient: id, devices: [], etag: first.etag });
    expect(await reasonOf(stale)).toBe("ETAG_MISMATCH");
    // Sent again after its answer was lost.
    const again = await own.setDevicePriority({ patient: id, devices: second.devices, etag: first.etag });
    expect(again.priority).toEqual(second);
    const cleared = await own.setDevicePriority({ patient: id, devices: [], etag: second.etag });
    expect(cleared.priority!.devices).toEqual([]);
  });

  it("names each device once, by the patient's own id, and 32 at most", async () => {
    const { world, patient, id, own } = await openRanked();
    const [first] = (await rank(world, patient, [ring])).devices;
    const set = (devices: { organization: string; deviceId: string }[]) =>
      reasonOf(own.setDevicePriority({ patient: id, devices }));
    expect(await set([first!, first!])).toBe("INVALID_FIELD");
    expect(await set([{ organization: first!.organization, deviceId: "dev_of_nobody" }])).toBe(
      "INVALID_FIELD",
    );
    const many = Array.from({ length: 33 }, (_, at) => ({ organization: `org_${at}`, deviceId: "" }));
    expect(await set(many)).toBe("INVALID_FIELD");
    expect(await set(many.slice(1))).toBe("OK");
  });

  it("is set by the patient and by a carer, and neither set nor seen by anybody else", async () => {
    const { world, patient, id } = await openRanked();
    const devices = [{ organization: makers[0]!.organization, deviceId: "" }];
    const as = (kind: Actor["kind"]) => world.own(patient, { kind, id: "usr_1" });
    expect(await reasonOf(as("carer").setDevicePriority({ patient: id, devices }))).toBe("OK");
    expect(await reasonOf(as("guardian").getDevicePriority({ patient: id }))).toBe("OK");
    const refusals = await Promise.all(
      [
        as("representative").setDevicePriority({ patient: id, devices: [] }),
        as("representative").getDevicePriority({ patient: id }),
        world.own(world.patient()).getDevicePriority({ patient: id }),
        world.own(world.patient()).setDevicePriority({ patient: id, devices: [] }),
        world.reader(makers[0]!).getDevicePriority({ patient: world.idFor(makers[0]!, patient) }),
        world.reader(application()).setDevicePriority({ patient: id, devices: [] }),
      ].map(reasonOf),
    );
    expect(new Set(refusals)).toEqual(new Set(["CALLER_NOT_PERMITTED", "CONSENT_REQUIRED"]));
    expect((await world.own(patient).getDevicePriority({ patient: id })).priority!.devices).toHaveLength(1);
  });

  it("leaves an entry each time that it is set or read", async () => {
    const { world, id, own } = await openRanked();
    const devices = [{ organization: makers[0]!.organization, deviceId: "" }];
    const set = await own.setDevicePriority({ patient: id, devices });
    const got = await own.getDevicePriority({ patient: id });
    const entries = await world.accesses();
    const methods = [set.access, got.access].map(
      (access) => entries.find((entry) => entry.id === access)?.method,
    );
    expect(methods).toEqual(
      ["SetDevicePriority", "GetDevicePriority"].map((name) => `wellapi.records.v1.RecordsService/${name}`),
    );
  });

  it("lies sealed in the store, which names neither organization nor device", async () => {
    const { world, patient } = await openRanked();
    const { devices } = await rank(world, patient, [ring, watch]);
    const stored = (await reads(world, "device_priorities", patient.partition))!.document;
    expect(Object.keys(stored).sort()).toEqual(["partition", "sealed"]);
    await world.close();
    const bytes = await allBytes(world.folder);
    for (const { organization, deviceId } of devices) {
      expect(bytes.includes(organization), "the organization").toBe(false);
      expect(bytes.includes(deviceId), "the device").toBe(false);
    }
  });

  it("is gone with the patient's erasure, and can't be set after it", async () => {
    const { world, patient, id, own } = await openRanked();
    await rank(world, patient, [ring]);
    await own.erasePatient({ patient: id });
    expect(await reads(world, "device_priorities", patient.partition)).toBeUndefined();
    expect(await reasonOf(own.getDevicePriority({ patient: id }))).toBe("CONSENT_REQUIRED");
    expect(await reasonOf(own.setDevicePriority({ patient: id, devices: [] }))).toBe("CONSENT_REQUIRED");
  });

  it("is not left behind where another replica erases the patient while it is set", async () => {
    const { world, patient, id, own } = await openRanked();
    const { commit } = world.store;
    const other = await world.openReplica({
      store: { ...world.store },
      signals: openSignalBus().connect(),
      lookEveryMs: 3_600_000,
    });
    let erased = false;
    world.store.commit = async (asked) => {
      if (!erased && asked.changes.some(({ collection }) => collection === "device_priorities")) {
        erased = true;
        await other.own(patient).erasePatient({ patient: id });
      }
      return commit.call(world.store, asked);
    };
    const devices = [{ organization: makers[0]!.organization, deviceId: "" }];
    expect(await reasonOf(own.setDevicePriority({ patient: id, devices }))).toBe("CONSENT_REQUIRED");
    expect(erased).toBe(true);
    expect(await reads(world, "device_priorities", patient.partition)).toBeUndefined();
  });

  it("that is damaged is named by the check and refuses merged lines, and nothing else", async () => {
    const { world, patient, id, own } = await openRanked();
    await rank(world, patient, [ring, watch]);
    const stored = (await world.store.get("device_priorities", [patient.partition]))!;
    const sealed = Uint8Array.from(stored.document.sealed as Uint8Array);
    sealed[sealed.length - 1]! ^= 1;
    const document = { ...stored.document, sealed };
    await world.store.commit({
      partition: patient.partition,
      changes: [{ kind: "replace", collection: "device_priorities", document, ifRevision: stored.revision }],
    });
    const check = recordsCheck({ reads: world.store, vault: world.vault, sealer: undefined as never });
    const found = await check.documents.device_priorities!(document);
    expect(found).toMatchObject({ collection: "device_priorities" });
    const asked = { ...mergeInit({ patient: id }), purpose: 5 };
    expect(await reasonOf(own.mergeSeries(asked))).toBe("DATA_DAMAGED");
    const { rule: _, ...query } = asked;
    expect(await reasonOf(own.querySeries(query))).toBe("OK");
  });

  it("holds for readers under a consent, who never see it", async () => {
    const { world, patient } = await openRanked();
    const clinic = application();
    await world.grant(patient, { organization: clinic.organization, direction: 2, codes: ["8867-4"] });
    const line = () => merged(world.reader(clinic), { patient: world.idFor(clinic, patient) });
    await rank(world, patient, [ring]);
    const [first] = await line();
    await rank(world, patient, [watch]);
    const [second] = await line();
    expect(nameOf(first!.source!)).not.toBe(nameOf(second!.source!));
  });
});
