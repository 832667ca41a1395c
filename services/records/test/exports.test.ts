import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { expect, onTestFinished, test } from "vitest";
import { openWorld, reasonOf } from "./world.ts";

test("a download is the patient's alone; each question leaves an entry, which says why it was refused", async () => {
  const world = await openWorld();
  onTestFinished(() => world.close());
  const [ada, bert] = [world.patient(), world.patient()];
  const asked = { patient: world.ownId(ada) };
  expect(await reasonOf(world.ownExports(bert).prepareDownload(asked))).toBe("CONSENT_REQUIRED");
  const { access } = await world.ownExports(ada).prepareDownload(asked);
  expect(access).toMatch(/^acc_/);
  expect((await world.accesses()).map(({ outcome, reason }) => [Access_Outcome[outcome], reason])).toEqual([
    ["DENIED", "NOT_OWN"],
    ["PERMITTED", ""],
  ]);
});
