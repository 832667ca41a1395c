import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type { Caller } from "@wellapi/rpc";
import { expect, test } from "vitest";
import { createInstallation, createPatient, type Installation, operator } from "./installation.ts";
import { problem } from "./problem.ts";

const invalid = (words: string) => problem(Code.InvalidArgument, "INVALID_FIELD", words);
const records: Caller = {
  principal: { kind: "service", id: "records" },
  workload: "records",
  token: "",
};

/** What records does when a patient is erased. */
async function erase(installation: Installation, partition: string) {
  await installation.vault.destroy(partition, "data");
  return installation.as(records).directory.markErased({ partition });
}

test("a patient has keys from the start, and is known outside by a pairwise id only", async () => {
  const installation = await createInstallation();
  const { patient, id, partition } = await createPatient(installation);
  await installation.vault.key(partition, "data");
  await installation.vault.key(partition, "audit");
  expect(patient).toMatchObject({ displayName: "Ada Canary-Lovelace", homeRegion: "local" });
  expect(patient.id).toMatch(/^pat_[0-9a-z]{26}$/);
  expect(patient.id).not.toBe(id);
  const unknown = installation.as(operator).patients.getPatient({ patient: id });
  await expect(unknown).rejects.toSatisfy(problem(Code.NotFound, "NOT_FOUND"));
});

test("what identifies a patient is on no disk in clear", async () => {
  const installation = await createInstallation();
  const { patient } = await createPatient(installation);
  await installation.leaves();
  for (const { name, bytes } of await installation.files()) {
    for (const canary of ["Canary", "Europe/Berlin", patient.id]) {
      expect(bytes.includes(canary), `${canary} in ${name}`).toBe(false);
    }
  }
  await installation.reopen();
  const got = await installation.as(operator).patients.getPatient({ patient: patient.id });
  expect(got.patient).toEqual(patient);
});

test("enrolling is made once per request", async () => {
  const installation = await createInstallation();
  const { patient, partition } = await createPatient(installation);
  expect((await createPatient(installation)).patient).toEqual(patient);
  const { patients } = installation.as(operator);
  const other = (displayName: string, timeZone: string) =>
    patients.createPatient({ patient: { displayName, timeZones: [{ timeZone }] }, requestId: "patient" });
  const reused = problem(Code.AlreadyExists, "REQUEST_ID_REUSED");
  await expect(other("Somebody else", "Europe/Berlin")).rejects.toSatisfy(reused);
  await expect(other(patient.displayName, "Europe/Paris")).rejects.toSatisfy(reused);
  const list = await patients.listPatients({});
  expect(list.patients).toHaveLength(1);

  await erase(installation, partition);
  expect((await createPatient(installation)).patient).toMatchObject({ id: patient.id, displayName: "" });
});

test("enrolling twice at once makes one patient", async () => {
  const installation = await createInstallation();
  const [a, b] = await Promise.all([createPatient(installation), createPatient(installation)]);
  expect(a.patient).toEqual(b.patient);
});

test("after erasure the entry stays, empty, with the time of the first erasure", async () => {
  const installation = await createInstallation();
  const { patient, partition, caller } = await createPatient(installation);
  const { eraseTime } = await erase(installation, partition);
  installation.clock.time += 5000;
  expect((await erase(installation, partition)).eraseTime).toEqual(eraseTime);

  const got = await installation.as(caller).patients.getPatient({ patient: patient.id });
  expect(got.patient).toMatchObject({ displayName: "", timeZones: [], eraseTime });
  const resolved = await installation.as(records).directory.resolvePatient({ partition });
  expect(resolved).toMatchObject({ timeZones: [], eraseTime });
  const adding = installation.as(caller).patients.updatePatient({
    patient: { id: patient.id, timeZones: [{ timeZone: "Asia/Tokyo" }] },
  });
  await expect(adding).rejects.toSatisfy(problem(Code.NotFound, "NOT_FOUND"));
});

test("a patient whose key is gone reads as empty even before the entry is marked", async () => {
  const installation = await createInstallation();
  const { patient, partition } = await createPatient(installation);
  await installation.vault.destroy(partition, "data");
  const got = await installation.as(operator).patients.getPatient({ patient: patient.id });
  expect(got.patient).toMatchObject({ id: patient.id, displayName: "", timeZones: [] });
});

test("a patient sees their own entry and gets one answer for every other id", async () => {
  const installation = await createInstallation();
  const own = await createPatient(installation, "own");
  const other = await createPatient(installation, "other");
  const { patients } = installation.as(own.caller);
  expect((await patients.getPatient({ patient: own.patient.id })).patient).toEqual(own.patient);

  const answers = [];
  for (const patient of [other.patient.id, "pat_00000000000000000000000000", "nonsense"]) {
    const error = await patients.getPatient({ patient }).catch((reason: unknown) => reason);
    expect(error).toSatisfy(problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"));
    answers.push(String(error));
  }
  expect(new Set(answers).size).toBe(1);
  await expect(patients.listPatients({})).rejects.toMatchObject({ code: Code.PermissionDenied });
});

test("time zones are a history of known zones, strictly ascending", async () => {
  const installation = await createInstallation();
  const { patients } = installation.as(operator);
  let requests = 0;
  const enrol = (...zones: ReadonlyArray<readonly [number | undefined, string]>) => {
    requests += 1;
    const timeZones = zones.map(([start, timeZone]) =>
      start === undefined ? { timeZone } : { timeZone, startTime: timestampFromMs(start) },
    );
    return patients.createPatient({ patient: { displayName: "A", timeZones }, requestId: `r${requests}` });
  };
  await enrol([undefined, "UTC"]);
  await enrol([undefined, "Asia/Calcutta"], [-1000, "America/Argentina/Buenos_Aires"]);
  await enrol([5, "Europe/Berlin"]);
  await expect(enrol([undefined, "Europe/Atlantis"])).rejects.toSatisfy(invalid("time_zones[0].time_zone"));
  await expect(enrol([undefined, "+01:00"])).rejects.toSatisfy(invalid("IANA"));
  await expect(enrol([5, "UTC"], [undefined, "UTC"])).rejects.toSatisfy(invalid("time_zones[1].start_time"));
  await expect(enrol([5, "UTC"], [5, "UTC"])).rejects.toSatisfy(invalid("time_zones[1].start_time"));
  await expect(enrol([5, "UTC"], [6, "UTC"], [4, "UTC"])).rejects.toSatisfy(invalid("[2].start_time"));
});

const zones = (...history: ReadonlyArray<readonly [number | undefined, string]>) =>
  history.map(([start, timeZone]) =>
    start === undefined ? { timeZone } : { timeZone, startTime: timestampFromMs(start) },
  );

test("a patient who moves, or whose zone was wrong, replaces the history, which services see", async () => {
  const installation = await createInstallation();
  const { patient, partition, caller } = await createPatient(installation);
  const update = (by: Caller, ...history: ReadonlyArray<readonly [number | undefined, string]>) =>
    installation.as(by).patients.updatePatient({
      patient: { id: patient.id, timeZones: zones(...history) },
      updateMask: { paths: ["time_zones"] },
    });
  installation.clock.time += 1000;
  const moved = await update(caller, [undefined, "Europe/Berlin"], [1000, "Asia/Tokyo"]);
  expect(moved.patient).toMatchObject({ id: patient.id, displayName: patient.displayName });
  expect(moved.patient!.updateTime).toEqual(timestampFromMs(installation.clock.time));
  expect(moved.patient!.etag).not.toBe(patient.etag);
  await update(operator, [undefined, "Europe/Paris"], [1000, "Asia/Seoul"]);

  await expect(update(caller)).rejects.toSatisfy(invalid("patient.time_zones"));
  await expect(update(caller, [undefined, "Asia/Nowhere"])).rejects.toSatisfy(invalid("[0].time_zone"));
  await expect(update(caller, [5, "UTC"], [5, "UTC"])).rejects.toSatisfy(invalid("[1].start_time"));
  const stranger = await createPatient(installation, "stranger");
  await expect(update(stranger.caller, [undefined, "UTC"])).rejects.toSatisfy(
    problem(Code.PermissionDenied, "CALLER_NOT_PERMITTED"),
  );

  await installation.reopen();
  const { timeZones } = await installation.as(records).directory.resolvePatient({ partition });
  expect(timeZones).toMatchObject(zones([undefined, "Europe/Paris"], [1000, "Asia/Seoul"]));
});

test("an update that saw another version changes nothing", async () => {
  const installation = await createInstallation();
  const { patient, caller } = await createPatient(installation);
  const { patients } = installation.as(caller);
  const named = (displayName: string, etag: string) =>
    patients.updatePatient({ patient: { id: patient.id, displayName, etag } });
  const stale = problem(Code.Aborted, "STALE_ETAG");
  const outcomes = await Promise.allSettled([named("Ada", patient.etag), named("Beatrice", patient.etag)]);
  const refused = outcomes.filter(({ status }) => status === "rejected");
  expect(refused).toHaveLength(1);
  expect((refused[0] as PromiseRejectedResult).reason).toSatisfy(stale);
  const now = (await patients.getPatient({ patient: patient.id })).patient!;
  expect(["Ada", "Beatrice"]).toContain(now.displayName);
  await expect(named("Carla", patient.etag)).rejects.toSatisfy(stale);
  expect((await patients.getPatient({ patient: patient.id })).patient).toEqual(now);
  expect((await named("Carla", now.etag)).patient!.displayName).toBe("Carla");
  expect((await named("Dora", "")).patient!.displayName).toBe("Dora");
});

test("patients are listed in pages", async () => {
  const installation = await createInstallation();
  const created = new Set<string>();
  for (let i = 0; i < 5; i++) created.add((await createPatient(installation, `r${i}`)).patient.id);
  const { patients } = installation.as(operator);
  const first = await patients.listPatients({ pageSize: 3 });
  const second = await patients.listPatients({ pageSize: 3, pageToken: first.nextPageToken });
  expect(second.nextPageToken).toBe("");
  expect(new Set([...first.patients, ...second.patients].map(({ id }) => id))).toEqual(created);
});

test("services resolve patients, others may not", async () => {
  const installation = await createInstallation();
  const { partition } = await createPatient(installation);
  const resolved = await installation.as(records).directory.resolvePatient({ partition });
  expect(resolved.timeZones).toMatchObject([{ timeZone: "Europe/Berlin" }]);
  for (const nobody of ["local/pat_none", "elsewhere", "identity"]) {
    const resolving = installation.as(records).directory.resolvePatient({ partition: nobody });
    await expect(resolving).rejects.toSatisfy(problem(Code.NotFound, "NOT_FOUND"));
  }
  const operators = installation.as(operator).directory.resolvePatient({ partition });
  await expect(operators).rejects.toMatchObject({ code: Code.PermissionDenied });
});
