import type { Change, CollectionDeclaration, Document } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import { type ConsentSealing, type Place, sealContent } from "../consent-sealing.ts";
import type { EmergencyAccess } from "./emergency.ts";

/** Stored emergency accesses, in the patient's partition, sealed under the patient's audit key. */
export type EmergencyDocument = Document & {
  readonly access: string;
  readonly create_time: number;
  /** MACs under a key of the installation: of the clinician in their organization, and of the request. */
  readonly clinician_mac: string;
  readonly request_mac: string;
  /** Whether the patient and the privacy officers were told. */
  readonly told: boolean;
  readonly sealed: Uint8Array;
};

export const emergencyAccesses: CollectionDeclaration = {
  name: "emergency_accesses",
  key: ["partition", "access"],
  indexes: [
    { name: "by_access", fields: ["access"], unique: true },
    { name: "by_request", fields: ["request_mac"], unique: true },
    { name: "by_patient", fields: ["partition", "create_time"] },
    { name: "by_clinician", fields: ["clinician_mac", "create_time"] },
    { name: "by_time", fields: ["create_time"] },
    { name: "by_told", fields: ["told", "create_time"] },
  ],
};

/** A patient's emergency code: one at most. */
export type EmergencyCodeDocument = Document & {
  /** `emc_...` */
  readonly id: string;
  /** Of the code's characters, under a key of the installation. */
  readonly code_mac: string;
  readonly create_time: number;
};

export const emergencyCodes: CollectionDeclaration = {
  name: "emergency_codes",
  key: ["partition"],
  indexes: [{ name: "by_code", fields: ["code_mac"], unique: true }],
};

/** For the commit that closes a patient for good. */
export function withoutCode(partition: string): Change {
  return { kind: "delete", collection: emergencyCodes.name, key: [partition] };
}

/** When somebody tried to open emergency access in the last hour: of an organization, and of each clinician of it. */
export type AttemptsDocument = Document & { readonly id: string; readonly times: readonly number[] };

export const emergencyAttempts: CollectionDeclaration = {
  name: "emergency_attempts",
  key: ["partition", "id"],
  indexes: [],
};

export function emergencyDocument(
  key: PatientKey,
  kept: Pick<EmergencyDocument, "partition" | "clinician_mac" | "request_mac" | "told">,
  access: EmergencyAccess,
): EmergencyDocument {
  const { partition, clinician_mac, request_mac, told } = kept;
  const { id, createTime } = access;
  const sealed = sealContent(key, placeOf(partition, id), access);
  return { partition, access: id, create_time: createTime, clinician_mac, request_mac, told, sealed };
}

/** Undefined where the key was destroyed. Throws ConsentError `unreadable`. */
export function openEmergency(
  sealing: Pick<ConsentSealing, "open">,
  { partition, access, sealed }: EmergencyDocument,
): Promise<EmergencyAccess | undefined> {
  return sealing.open<EmergencyAccess>(placeOf(partition, access), sealed);
}

function placeOf(partition: string, access: string): Place {
  return [emergencyAccesses.name, partition, access];
}

/** Stands for a clinician of an organization. */
export function clinicianMac(
  { tagOf }: Pick<ConsentSealing, "tagOf">,
  { organization, clinician }: { readonly organization: string; readonly clinician: string },
): string {
  return tagOf(`emergency clinician ${organization} ${clinician}`);
}
