import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type CreatePatientRequest,
  PatientService,
  type UpdatePatientRequest,
} from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { expect, test } from "vitest";
import { openGateway, wellapi } from "./world.ts";

const may = timestampFromMs(Date.UTC(2026, 4, 1));

async function openPatients() {
  const created: CreatePatientRequest[] = [];
  const updated: UpdatePatientRequest[] = [];
  const moved = {
    id: "pat_1",
    displayName: "Ada",
    timeZones: [{ timeZone: "Europe/Paris" }, { timeZone: "Asia/Tokyo", startTime: may }],
  };
  const env = await openGateway(({ service }) =>
    service(PatientService, {
      createPatient(request) {
        created.push(request);
        return { patient: moved };
      },
      getPatient: () => ({ patient: moved }),
      updatePatient(request) {
        updated.push(request);
        return { patient: moved };
      },
      listPatients: ({ pageToken }) =>
        pageToken === ""
          ? { patients: [moved], nextPageToken: "1" }
          : { patients: [{ id: "pat_2", homeRegion: "local", eraseTime: may }] },
    }),
  );
  return { env, created, updated };
}

test("enrols a patient in their time zone", async () => {
  const { env, created } = await openPatients();
  const create = ["patient", "create", "Ada", "--time-zone", "Europe/Paris", "--request-id", "mine-1"];
  expect((await wellapi(create, { env })).out).toBe("pat_1");
  expect(created).toMatchObject([
    { requestId: "mine-1", patient: { displayName: "Ada", timeZones: [{ timeZone: "Europe/Paris" }] } },
  ]);
});

test("shows the history of time zones", async () => {
  const { env } = await openPatients();
  const { out } = await wellapi(["patient", "get", "pat_1"], { env });
  expect(out).toBe("pat_1  Ada  Europe/Paris, Asia/Tokyo from 2026-05-01T00:00:00.000Z");
});

test("changes what is said and nothing else", async () => {
  const { env, updated } = await openPatients();
  const history = "Europe/Paris,2026-05-01T00:00:00Z=Asia/Tokyo";
  await wellapi(["patient", "update", "pat_1", "--time-zone", history], { env });
  await wellapi(["patient", "update", "pat_1", "--name", "Ada L."], { env });
  expect(updated.map(({ updateMask }) => updateMask?.paths)).toEqual([["time_zones"], ["display_name"]]);
  expect(updated[0]!.patient?.timeZones).toMatchObject([
    { timeZone: "Europe/Paris" },
    { timeZone: "Asia/Tokyo", startTime: may },
  ]);
  expect(updated[1]!.patient?.displayName).toBe("Ada L.");
  expect((await wellapi(["patient", "update", "pat_1"], { env })).code).toBe(2);
  expect(updated).toHaveLength(2);
});

test("lists patients over all pages, with where each is now and when each was erased", async () => {
  const { env } = await openPatients();
  const { out } = await wellapi(["patient", "list"], { env });
  expect(out).toMatch(/pat_1 .* Ada .* Asia\/Tokyo/);
  expect(out).toMatch(/pat_2 .* local .* 2026-05-01T00:00:00.000Z/);
});
