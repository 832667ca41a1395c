import { Code } from "@connectrpc/connect";
import { Organization_State } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { expect, test } from "vitest";
import { createApplication, createInstallation, createPatient, operator } from "./installation.ts";
import { problem } from "./problem.ts";

const invalid = (words: string) => problem(Code.InvalidArgument, "INVALID_FIELD", words);

test("an update changes the fields that its mask names, and without one those that are set", async () => {
  const installation = await createInstallation();
  const { patient } = await createPatient(installation);
  const { patients } = installation.as(operator);
  const other = { id: patient.id, displayName: "Augusta", timeZones: [{ timeZone: "Asia/Tokyo" }] };
  const update = async (asked: object, ...paths: string[]) =>
    (await patients.updatePatient({ patient: { id: patient.id, ...asked }, updateMask: { paths } })).patient!;

  expect(await update(other, "display_name")).toMatchObject({
    displayName: "Augusta",
    timeZones: patient.timeZones,
  });
  expect(await update({ displayName: "Ada" })).toMatchObject({
    displayName: "Ada",
    timeZones: patient.timeZones,
  });
  expect(await update({ ...other, displayName: "" }, "time_zones")).toMatchObject({
    displayName: "Ada",
    timeZones: other.timeZones,
  });
  expect(await update({ ...other, timeZones: patient.timeZones }, "*")).toMatchObject({
    displayName: "Augusta",
    timeZones: patient.timeZones,
  });
  // All is replaced, and a name is needed.
  await expect(update({ timeZones: patient.timeZones }, "*")).rejects.toSatisfy(
    invalid("patient.display_name"),
  );
  await expect(update({ displayName: "Ada" }, "*")).rejects.toSatisfy(invalid("patient.time_zones"));
  await expect(update({}, "display_name")).rejects.toSatisfy(invalid("patient.display_name"));
});

test.each([
  ["name", 'there is no field "name"'],
  ["id", "can't be changed"],
  ["create_time", "can't be changed"],
  ["home_region", "can't be changed"],
  ["etag", "can't be changed"],
  ["time_zones.time_zone", "replaced as a whole"],
  ["create_time.seconds", "can't be changed"],
])("a mask with %s is refused by name", async (path, words) => {
  const installation = await createInstallation();
  const { patient } = await createPatient(installation);
  const updating = installation.as(operator).patients.updatePatient({
    patient: { id: patient.id, displayName: "Augusta" },
    updateMask: { paths: ["display_name", path] },
  });
  await expect(updating).rejects.toSatisfy(invalid(words));
  await expect(updating).rejects.toSatisfy(invalid("update_mask"));
  const { patient: now } = await installation.as(operator).patients.getPatient({ patient: patient.id });
  expect(now!.displayName).toBe(patient.displayName);
});

test("what only the installation sets is ignored where it is sent, on creation and in an update without a mask", async () => {
  const installation = await createInstallation();
  const { organizations, patients } = installation.as(operator);
  const claimed = { id: "org_mine", createTime: { seconds: 1n }, state: Organization_State.DELETED };
  const { organization } = await organizations.createOrganization({
    organization: { ...claimed, displayName: "Pulse", etag: "made-up" },
    requestId: "r1",
  });
  expect(organization).toMatchObject({ displayName: "Pulse", state: Organization_State.ACTIVE });
  expect(organization!.id).toMatch(/^org_[0-9a-z]{26}$/);
  expect(Number(organization!.createTime!.seconds) * 1000).toBe(installation.clock.time);

  const updated = await organizations.updateOrganization({
    organization: { ...claimed, id: organization!.id, displayName: "Pulse AG" },
  });
  expect(updated.organization).toMatchObject({
    displayName: "Pulse AG",
    state: Organization_State.ACTIVE,
    createTime: organization!.createTime,
  });
  const { patient } = await createPatient(installation);
  const moved = await patients.updatePatient({
    patient: { id: patient.id, displayName: "Augusta", homeRegion: "elsewhere", eraseTime: { seconds: 1n } },
  });
  expect(moved.patient).toMatchObject({ displayName: "Augusta", homeRegion: "local" });
  expect(moved.patient!.eraseTime).toBeUndefined();
});

test("an application stays with its organization", async () => {
  const installation = await createInstallation();
  const { organization, application } = await createApplication(installation);
  const { organizations } = installation.as(operator);
  const update = (other: object, ...paths: string[]) =>
    organizations.updateApplication({
      application: { id: application.id, displayName: "Sync 2", ...other },
      updateMask: { paths },
    });
  await expect(update({ organization: "org_other" })).rejects.toSatisfy(invalid("application.organization"));
  await expect(update({}, "organization")).rejects.toSatisfy(invalid("can't be changed"));
  const { application: updated } = await update({ organization: organization.id });
  expect(updated).toMatchObject({ displayName: "Sync 2", organization: organization.id });
});
