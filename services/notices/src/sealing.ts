import { encodeId } from "@wellapi/runtime";
import type { PatientKey } from "@wellapi/vault";

/** Where sealed bytes lie: they open nowhere else. */
export type Place = readonly [collection: string, partition: string, ...key: string[]];

export function seal(key: PatientKey, place: Place, content: object): Uint8Array {
  return key.seal(contextOf(place), Buffer.from(JSON.stringify(content)));
}

/** Throws VaultError `tampered`. */
export function unseal<T>(key: PatientKey, place: Place, sealed: Uint8Array): T {
  return JSON.parse(Buffer.from(key.open(contextOf(place), sealed)).toString()) as T;
}

/** An id that the same things have again, and that says nothing of them. */
export function idOf(key: PatientKey, prefix: "ntc" | "psh", things: readonly (string | number)[]): string {
  const mac = key.mac(`notices/${prefix}`, Buffer.from(JSON.stringify(things)));
  return `${prefix}_${encodeId(mac.subarray(0, 16))}`;
}

/** Stands for an organization beside what is sealed. */
export function organizationMac(key: PatientKey, organization: string): string {
  return Buffer.from(key.mac("notices/organization", Buffer.from(organization))).toString("base64url");
}

function contextOf(place: Place): string {
  return JSON.stringify(["notices", ...place]);
}
