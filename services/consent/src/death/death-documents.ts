import type { CollectionDeclaration, Document } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import { type ConsentSealing, type Place, sealContent } from "../consent-sealing.ts";
import type { DeathReport } from "./death.ts";

/** Stored reports of deaths, in the patient's partition, sealed under the patient's audit key. */
export type DeathDocument = Document & {
  readonly report: string;
  readonly create_time: number;
  /** MACs under a key of the installation: of the organization, and of the request. */
  readonly organization_mac: string;
  readonly request_mac: string;
  /** How many decisions there are: which of them people were told of. */
  readonly decisions: number;
  /** Whether identity knows the last of them, and people were told. */
  readonly told: boolean;
  readonly sealed: Uint8Array;
};

export const deathReports: CollectionDeclaration = {
  name: "death_reports",
  key: ["partition", "report"],
  indexes: [
    { name: "by_report", fields: ["report"], unique: true },
    { name: "by_request", fields: ["request_mac"], unique: true },
    { name: "by_organization", fields: ["organization_mac", "create_time"] },
    { name: "by_time", fields: ["create_time"] },
    { name: "by_told", fields: ["told", "create_time"] },
  ],
};

export function deathDocument(
  key: PatientKey,
  kept: Pick<DeathDocument, "partition" | "organization_mac" | "request_mac" | "told">,
  report: DeathReport,
): DeathDocument {
  const { partition, organization_mac, request_mac, told } = kept;
  const { id, createTime, decisions } = report;
  return {
    partition,
    report: id,
    create_time: createTime,
    organization_mac,
    request_mac,
    decisions: decisions.length,
    told,
    sealed: sealContent(key, placeOf(partition, id), report),
  };
}

/** Undefined where the key was destroyed. Throws ConsentError `unreadable`. */
export function openDeath(
  sealing: Pick<ConsentSealing, "open">,
  { partition, report, sealed }: DeathDocument,
): Promise<DeathReport | undefined> {
  return sealing.open<DeathReport>(placeOf(partition, report), sealed);
}

function placeOf(partition: string, report: string): Place {
  return [deathReports.name, partition, report];
}

/** Stands for who reported: an organization, or the privacy officers. */
export function reporterMac({ tagOf }: Pick<ConsentSealing, "tagOf">, organization: string): string {
  return tagOf(`death reporter ${organization}`);
}
