import type { MessageInitShape } from "@bufbuild/protobuf";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import type { VendorAccountSchema } from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import { describe, expect, it } from "vitest";
import { allBytes, heartRates, openScene, reasonOf } from "./world.ts";

const T0 = Date.UTC(2016, 3, 12, 6);

type Account = MessageInitShape<typeof VendorAccountSchema>;
const ana: Account = { vendor: "fitbit", user: "ana-4711" };
const ben: Account = { vendor: "fitbit", user: "ben-0815" };

async function openVendorScene() {
  const scene = await openScene();
  const { world, maker, patient } = scene;
  let sent = 0;
  const send = async (vendorAccount: Account, series = heartRates(T0 + sent * 3_600_000, [70])) => {
    const batch = { requestId: `doc-${sent++}`, patient: world.idFor(maker, patient), series: [series] };
    const { receipt } = await world.writer(maker).appendSeries({ batch, vendorAccount });
    return receipt!.items.map(({ status }) => status);
  };
  return { ...scene, send };
}

describe("the account at a vendor", () => {
  it("is bound by the first document that is stored, and one of somebody else is refused, with an entry in the log", async () => {
    const { send, world } = await openVendorScene();
    await send(ana);
    await send(ana);
    expect(await reasonOf(send(ben))).toBe("OTHER_VENDOR_USER");
    const denied = (await world.accesses()).filter(({ outcome }) => outcome === Access_Outcome.DENIED);
    expect(denied).toMatchObject([{ reason: "OTHER_VENDOR_USER" }]);
  });

  it("is one for each vendor", async () => {
    const { send } = await openVendorScene();
    await send(ana);
    await send({ vendor: "withings", user: "ben-0815" });
    expect(await reasonOf(send({ vendor: "withings", user: "ana-4711" }))).toBe("OTHER_VENDOR_USER");
  });

  it("is not bound by a document of which nothing is stored", async () => {
    const { send } = await openVendorScene();
    await send(ana, { ...heartRates(T0, [70]), code: { code: "29463-7x" } }).catch(() => {});
    await send(ben);
    expect(await reasonOf(send(ana))).toBe("OTHER_VENDOR_USER");
  });

  it("gives way to another one on request, and then the old one is refused", async () => {
    const { send } = await openVendorScene();
    await send(ana);
    await send({ ...ben, rebind: true });
    expect(await reasonOf(send(ana))).toBe("OTHER_VENDOR_USER");
    await send(ben);
  });

  it("is one, whoever of two comes first at the same instant", async () => {
    const { send } = await openVendorScene();
    const answers = await Promise.all([ana, ben].map((one) => reasonOf(send(one))));
    expect(answers.filter((reason) => reason === "OTHER_VENDOR_USER")).toHaveLength(1);
  });

  it("is not found in any file, and goes with the patient's data", async () => {
    const { send, world, patient } = await openVendorScene();
    await send(ana);
    const stored = async () =>
      (await world.store.scan("vendor_accounts", { equals: [patient.partition], limit: 9 })).documents.length;
    expect(await stored()).toBe(1);
    const bytes = await allBytes(world.folder);
    for (const canary of ["ana-4711", "fitbit"]) expect(bytes.includes(canary), canary).toBe(false);
    await world.own(patient).erasePatient({ patient: world.ownId(patient) });
    expect(await stored()).toBe(0);
  });
});
