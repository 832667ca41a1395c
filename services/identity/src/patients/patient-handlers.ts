import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { PatientSchema } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import { maskedFields, type PageTokens } from "@wellapi/rpc";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Accesses } from "../accesses.ts";
import { fromTimeZoneMessage, toPatientMessage, toTimeZoneMessage } from "../convert.ts";
import type { CreationOf } from "../creation.ts";
import { invalidField } from "../errors.ts";
import { openPage } from "../page.ts";
import type { ActingLookups } from "../sessions/acting.ts";
import { type Profile, partitionOf } from "./patient.ts";
import type { PatientAccess } from "./patient-access.ts";
import type { PatientRepository } from "./patient-repository.ts";
import type { TestPatients } from "./test-patients.ts";
import { checkTimeZones } from "./time-zone.ts";

interface PatientHandlerDeps {
  readonly accesses: Accesses;
  readonly patients: PatientRepository;
  readonly patientAccess: PatientAccess;
  readonly testPatients: TestPatients;
  readonly creationOf: CreationOf;
  readonly pageTokens: PageTokens;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Home region of new patients. */
  readonly region: string;
}

export function createPatientHandlers(
  deps: PatientHandlerDeps,
): Omit<ServiceImpl<typeof PatientService>, "createClaimCode" | "claimPatient"> {
  const { accesses, patients, patientAccess, testPatients, creationOf, pageTokens, clock, ids, region } =
    deps;
  const { method } = PatientService;
  return {
    createPatient({ patient: asked, requestId }, context) {
      return accesses.logged(context, method.createPatient, requestId, async ({ caller, commit, about }) => {
        const timeZones = (asked?.timeZones ?? []).map(fromTimeZoneMessage);
        checkTimeZones(timeZones, "patient.time_zones");
        const testOf = testPatients.organizationOf(caller);
        const creation = creationOf(caller.principal.id, requestId);
        const id = ids.next("pat");
        const partition = partitionOf(region, id);
        const created = await patients.create(
          {
            id,
            partition,
            homeRegion: region,
            createTime: clock.now(),
            profile: { displayName: asked?.displayName ?? "", timeZones },
            ...(testOf !== undefined && { testOf }),
          },
          creation,
          commit({ id, partition }),
          testOf === undefined ? undefined : () => testPatients.checkRoom(testOf),
        );
        // A repeated request changes nothing, and its entry names the patient that the first one made.
        if (created.id !== id) about(created);
        return { patient: toPatientMessage(created, patientAccess.outward(caller, created.id)) };
      });
    },
    getPatient(request, context) {
      return accesses.logged(context, method.getPatient, "", async ({ caller, about }) => {
        const patient = await patients.patient(patientAccess.partition(caller, request.patient));
        about(patient);
        return { patient: toPatientMessage(patient, request.patient) };
      });
    },
    listPatients(request, context) {
      return accesses.logged(context, method.listPatients, "", async ({ caller, about }) => {
        const page = openPage(pageTokens, caller, method.listPatients, request);
        const testOf = testPatients.organizationOf(caller);
        const { items, cursor } =
          testOf === undefined
            ? await patients.patients(region, page.request)
            : await patients.testPatients(testOf, page.request);
        about(...items);
        return {
          patients: items.map((patient) =>
            toPatientMessage(patient, patientAccess.outward(caller, patient.id)),
          ),
          nextPageToken: page.nextPageToken(cursor),
        };
      });
    },
    updatePatient({ patient: asked, updateMask }, context) {
      return accesses.logged(context, method.updatePatient, "", async ({ caller, commit, about }) => {
        const patient = await patients.patient(patientAccess.partition(caller, asked?.id ?? ""));
        about(patient);
        const fields = maskedFields(PatientSchema, asked, updateMask);
        const displayName = asked?.displayName ?? "";
        if (fields.has("display_name") && displayName === "") {
          throw invalidField("patient.display_name", "a name is needed");
        }
        const timeZones = (asked?.timeZones ?? []).map(fromTimeZoneMessage);
        if (fields.has("time_zones")) checkTimeZones(timeZones, "patient.time_zones");
        const changes: Partial<Profile> = {
          ...(fields.has("display_name") ? { displayName } : {}),
          ...(fields.has("time_zones") ? { timeZones } : {}),
        };
        const amended = await patients.amend(
          patient.partition,
          asked?.etag ?? "",
          (profile) => ({ ...profile, ...changes }),
          clock.now(),
          commit(patient),
        );
        return { patient: toPatientMessage(amended, patientAccess.outward(caller, amended.id)) };
      });
    },
  };
}

export function createPatientDirectoryHandlers(
  { accesses, patients, clock }: PatientHandlerDeps,
  acting: Pick<ActingLookups, "findDelegation">,
): ServiceImpl<typeof PatientDirectoryService> {
  return {
    // A service resolves a patient during a call, and that call leaves its own entry.
    async resolvePatient({ partition }) {
      const { profile, eraseTime } = await patients.patient(partition);
      return {
        timeZones: (profile?.timeZones ?? []).map(toTimeZoneMessage),
        ...(eraseTime === undefined ? {} : { eraseTime: timestampFromMs(eraseTime) }),
      };
    },
    async resolveReaders({ partition, accounts }) {
      const { eraseTime } = await patients.patient(partition);
      if (eraseTime !== undefined || (await patients.frozenSince(partition)) !== undefined) {
        return { patient: false };
      }
      const readers = [];
      for (const account of accounts) {
        const role = await acting.findDelegation(account, partition);
        if (role !== undefined) readers.push({ account, hides: [...(role.hides ?? [])] });
      }
      return { patient: true, readers };
    },
    markErased({ partition }, context) {
      const { markErased } = PatientDirectoryService.method;
      return accesses.logged(context, markErased, "", async ({ commit, about }) => {
        const patient = await patients.patient(partition);
        about(patient);
        const eraseTime = await patients.markErased(partition, clock.now(), commit(patient));
        return { eraseTime: timestampFromMs(eraseTime) };
      });
    },
  };
}
