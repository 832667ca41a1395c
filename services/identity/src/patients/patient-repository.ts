import { createHash, timingSafeEqual } from "node:crypto";
import type { Document, Store, Stored } from "@wellapi/store";
import { dataKeyOf, type PatientKey, type Vault } from "@wellapi/vault";
import { collections } from "../collections.ts";
import type { CommitWithLeaf, Creation } from "../creation.ts";
import { findCreated, insertOnce } from "../creation.ts";
import { notFound, requestIdReused, staleEtag } from "../errors.ts";
import { type ListPage, openedPage, type PageRequest } from "../page.ts";
import type { Patient, Profile } from "./patient.ts";
import { patientIdOf } from "./patient.ts";

export type PatientDocument = Document &
  Creation & {
    readonly region: string;
    readonly createTime: number;
    readonly updateTime: number;
    readonly eraseTime?: number;
    /** Gone after erasure. */
    readonly testOf?: string;
    /** Since when the record is frozen, because the patient died. */
    readonly freezeTime?: number;
    /** How often it froze or thawed. */
    readonly freezes?: number;
    /** Sealed JSON of a Profile; gone after erasure. */
    readonly profile?: Uint8Array;
    /** Digest of the content of the creating request, keyed with the patient's key; gone after erasure. */
    readonly requestMac?: Uint8Array;
  };

/** A patient who is about to be enrolled. */
export interface NewPatient extends Omit<Patient, "etag" | "updateTime"> {
  readonly profile: Profile;
}

/** Patients; what identifies them is sealed with their data keys. */
export interface PatientRepository {
  /**
   * Makes the patient's keys, too. Made once per creator and request_id; throws `request_id_reused`, and what `unless` throws,
   * which a repeated request is not asked.
   */
  create(
    patient: NewPatient,
    creation: Creation,
    commit: CommitWithLeaf,
    unless?: () => Promise<void>,
  ): Promise<Patient>;
  exists(partition: string): Promise<boolean>;
  /** Throws `not_found`. */
  patient(partition: string): Promise<Patient>;
  /** Of the organization, without those who are erased. */
  testPatients(organization: string, page: PageRequest): Promise<ListPage<Patient>>;
  /** By internal id. */
  patients(region: string, page: PageRequest): Promise<ListPage<Patient>>;
  /**
   * Replaces the profile by the result of `change`. `etag` is empty or must be the current one. Throws `not_found`,
   * also once erased, and `stale_etag`.
   */
  amend(
    partition: string,
    etag: string,
    change: (profile: Profile) => Profile,
    now: number,
    commit: CommitWithLeaf,
  ): Promise<Patient>;
  /** Marks as erased and removes the sealed profile; the first time stays. Throws `not_found`. */
  markErased(partition: string, now: number, commit: CommitWithLeaf): Promise<number>;
  /** Since when the record is frozen, UTC milliseconds; undefined: it is not, or there is no such patient. */
  frozenSince(partition: string): Promise<number | undefined>;
  /**
   * Freezes the record since `time`, or thaws it. False where this change, or a later one, is known. Throws `not_found`.
   */
  freeze(
    partition: string,
    to: { readonly change: number; readonly time: number | undefined },
    commit: CommitWithLeaf,
  ): Promise<boolean>;
}

const PROFILE_CONTEXT = "identity/patients/profile";
const REQUEST_LABEL = "identity/create-patient";

export function createPatientRepository(store: Store, vault: Vault): PatientRepository {
  const get = (partition: string) => storedPatient(store, partition);
  const toPatient = (document: PatientDocument) => patientOf(vault, document);
  const sameRequest = (existing: PatientDocument, profile: Profile) =>
    isSameRequest(vault, existing, profile);

  return {
    async create(patient, creation, commit, unless) {
      const { partition, profile } = patient;
      const created = await findCreated<PatientDocument>(store, collections.patients, creation);
      if (created) {
        if (!(await sameRequest(created, profile))) throw requestIdReused();
        return toPatient(created);
      }
      await unless?.();
      // Keys first: a patient without keys must never be visible. If the commit fails, the key has sealed nothing and
      // does no harm.
      await vault.create(partition, "data");
      await vault.create(partition, "audit");
      const key = await vault.key(partition, "data");
      const document: PatientDocument = {
        ...creation,
        partition,
        region: patient.homeRegion,
        createTime: patient.createTime,
        updateTime: patient.createTime,
        ...(patient.testOf !== undefined && { testOf: patient.testOf }),
        profile: sealProfile(key, profile),
        requestMac: requestMac(key, profile),
      };
      const same = (existing: PatientDocument) => sameRequest(existing, profile);
      return toPatient(await insertOnce(store, collections.patients, document, same, commit));
    },
    async exists(partition) {
      return (await store.get(collections.patients, [partition])) !== undefined;
    },
    async patient(partition) {
      return toPatient((await get(partition)).document);
    },
    testPatients: (organization, page) =>
      openedPage(store, collections.patients, { index: "test", equals: [organization] }, page, toPatient),
    patients: (region, page) =>
      openedPage(store, collections.patients, { index: "region", equals: [region] }, page, toPatient),
    async amend(partition, etag, change, now, commit) {
      for (;;) {
        const { document, revision } = await get(partition);
        if (etag !== "" && etag !== etagOf(document)) throw staleEtag("patient");
        const key = document.profile && (await dataKeyOf(vault, partition));
        if (!key || !document.profile) throw notFound("patient");
        const profile = sealProfile(key, change(openProfile(key, document.profile)));
        const amended: PatientDocument = { ...document, profile, updateTime: now };
        const result = await commit({
          partition,
          changes: [
            { kind: "replace", collection: collections.patients, document: amended, ifRevision: revision },
          ],
        });
        if (result.committed) return toPatient(amended);
      }
    },
    ...createFreezes(store),
    async markErased(partition, now, commit) {
      for (;;) {
        const { document, revision } = await get(partition);
        if (document.eraseTime !== undefined) return document.eraseTime;
        const { profile: _, requestMac: __, testOf: ___, ...rest } = document;
        const erased: PatientDocument = { ...rest, partition, eraseTime: now, updateTime: now };
        const result = await commit({
          partition,
          changes: [
            { kind: "replace", collection: collections.patients, document: erased, ifRevision: revision },
          ],
        });
        if (result.committed) return now;
      }
    },
  };
}

function createFreezes(store: Store): Pick<PatientRepository, "frozenSince" | "freeze"> {
  return {
    async frozenSince(partition) {
      return (await store.get<PatientDocument>(collections.patients, [partition]))?.document.freezeTime;
    },
    async freeze(partition, { change, time }, commit) {
      for (;;) {
        const { document, revision } = await storedPatient(store, partition);
        if ((document.freezes ?? 0) >= change) return false;
        const { freezeTime: _, ...rest } = document;
        const next: PatientDocument = {
          ...rest,
          partition,
          freezes: change,
          ...(time !== undefined && { freezeTime: time }),
        };
        const result = await commit({
          partition,
          changes: [
            { kind: "replace", collection: collections.patients, document: next, ifRevision: revision },
          ],
        });
        if (result.committed) return true;
      }
    },
  };
}

async function storedPatient(store: Store, partition: string): Promise<Stored<PatientDocument>> {
  const stored = await store.get<PatientDocument>(collections.patients, [partition]);
  if (!stored) throw notFound("patient");
  return stored;
}

async function patientOf(vault: Vault, document: PatientDocument): Promise<Patient> {
  const { partition, region, createTime, updateTime, eraseTime, testOf, profile } = document;
  const key = profile && (await dataKeyOf(vault, partition));
  return {
    id: patientIdOf(partition)!,
    partition,
    homeRegion: region,
    createTime,
    updateTime,
    etag: etagOf(document),
    ...(eraseTime === undefined ? {} : { eraseTime }),
    ...(testOf === undefined ? {} : { testOf }),
    ...(key && profile ? { profile: openProfile(key, profile) } : {}),
  };
}

/** Without a key nothing is left to compare with: the request identifies the erased patient. */
async function isSameRequest(vault: Vault, existing: PatientDocument, profile: Profile): Promise<boolean> {
  const key = existing.requestMac && (await dataKeyOf(vault, existing.partition));
  if (!key || !existing.requestMac) return true;
  return timingSafeEqual(requestMac(key, profile), existing.requestMac);
}

/** Digest of the sealed profile, which is new with each change: it reveals nothing of the content. */
function etagOf({ partition, profile, eraseTime }: PatientDocument): string {
  const content = createHash("sha256").update(JSON.stringify([partition, eraseTime ?? null]));
  return content
    .update(profile ?? "")
    .digest("base64url")
    .slice(0, 24);
}

function sealProfile(key: PatientKey, profile: Profile): Uint8Array {
  return key.seal(PROFILE_CONTEXT, Buffer.from(JSON.stringify(profile)));
}

export function openProfile(key: PatientKey, sealed: Uint8Array): Profile {
  return JSON.parse(Buffer.from(key.open(PROFILE_CONTEXT, sealed)).toString()) as Profile;
}

function requestMac(key: PatientKey, { displayName, timeZones }: Profile): Uint8Array {
  const content = [displayName, ...timeZones.map(({ startTime, timeZone }) => [startTime ?? null, timeZone])];
  return key.mac(REQUEST_LABEL, Buffer.from(JSON.stringify(content)));
}
