import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Erasure_State } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

async function openRecords(keyIds: readonly string[] = ["key_1"]) {
  const calls: string[] = [];
  const receipt = {
    keyIds: [...keyIds],
    keyDestroyTime: timestampFromMs(Date.UTC(2026, 3, 12, 8)),
    backupExpireTime: timestampFromMs(Date.UTC(2026, 4, 12, 8)),
    documentsDeleted: 12,
    access: "acc_1",
    jws: "eyJ.the.receipt",
  };
  const env = await openGateway(({ service }) =>
    service(RecordsService, {
      erasePatient({ patient }) {
        calls.push(`erase ${patient}`);
        return { erasure: { id: "era_1", state: Erasure_State.DONE, receipt } };
      },
      getErasure({ patient }) {
        calls.push(`get ${patient}`);
        return { erasure: { id: "era_1", state: Erasure_State.RUNNING } };
      },
    }),
  );
  return { env, calls };
}

test("erases nothing unless it is told that it is meant", async () => {
  const { env, calls } = await openRecords();
  expect(await wellapi(["erase", "pat_1"], { env })).toMatchObject({
    code: 2,
    err: expect.stringContaining("--yes"),
  });
  expect(calls).toEqual([]);
});

test("erases, and prints the signed receipt as the last line", async () => {
  const { env, calls } = await openRecords();
  const { out } = await wellapi(["erase", "pat_1", "--yes"], { env });
  expect(out).toBe(
    "era_1: key_1 destroyed at 2026-04-12T08:00:00.000Z, 12 documents deleted; backups let go of the key by " +
      "2026-05-12T08:00:00.000Z; access acc_1\neyJ.the.receipt",
  );
  expect(calls).toEqual(["erase pat_1"]);
});

test("says that there was no key of a patient who had none", async () => {
  const { env } = await openRecords([]);
  expect((await wellapi(["erase", "pat_1", "--yes"], { env })).out).toContain("era_1: there was no key at");
});

test("shows how far an erasure is without beginning one, also with --yes", async () => {
  const { env, calls } = await openRecords();
  for (const more of [[], ["--yes"]]) {
    const { out } = await wellapi(["erase", "pat_1", "--status", ...more], { env });
    expect(out).toMatch(/^era_1: running/);
  }
  expect(calls).toEqual(["get pat_1", "get pat_1"]);
});
