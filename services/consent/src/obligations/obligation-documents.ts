import type { CollectionDeclaration, Document } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import { type ConsentSealing, type Place, sealContent } from "../consent-sealing.ts";
import type { DeletionObligation } from "./obligation.ts";

/** When the log is asked what was received under a consent that will have ended by then, as this version of it says. */
export type TimerDocument = Document & {
  readonly consent: string;
  readonly version: number;
  /** UTC milliseconds since 1970. */
  readonly due_time: number;
  /** How often it was asked. */
  readonly looks: number;
};

export const deletionTimers: CollectionDeclaration = {
  name: "deletion_timers",
  key: ["partition", "consent", "version"],
  indexes: [{ name: "due", fields: ["due_time"] }],
};

/** A stored obligation, in the patient's partition, sealed under the patient's audit key. One a consent. */
export type ObligationDocument = Document & {
  readonly obligation: string;
  readonly create_time: number;
  /** A MAC of the organization under a key of the installation. */
  readonly organization_mac: string;
  readonly sealed: Uint8Array;
};

export const deletionObligations: CollectionDeclaration = {
  name: "deletion_obligations",
  key: ["partition", "obligation"],
  indexes: [
    { name: "by_obligation", fields: ["obligation"], unique: true },
    { name: "by_patient", fields: ["partition", "create_time"] },
    { name: "by_organization", fields: ["organization_mac", "create_time"] },
  ],
};

export function obligationDocument(
  key: PatientKey,
  { tagOf }: Pick<ConsentSealing, "tagOf">,
  partition: string,
  obligation: DeletionObligation,
): ObligationDocument {
  const { id, createTime, organization } = obligation;
  return {
    partition,
    obligation: id,
    create_time: createTime,
    organization_mac: organizationMac({ tagOf }, organization),
    sealed: sealContent(key, placeOf(partition, id), obligation),
  };
}

/** Undefined where the key was destroyed. Throws ConsentError `unreadable`. */
export function openObligation(
  sealing: Pick<ConsentSealing, "open">,
  { partition, obligation, sealed }: ObligationDocument,
): Promise<DeletionObligation | undefined> {
  return sealing.open<DeletionObligation>(placeOf(partition, obligation), sealed);
}

function placeOf(partition: string, obligation: string): Place {
  return [deletionObligations.name, partition, obligation];
}

/** Stands for the organization that must delete. */
export function organizationMac({ tagOf }: Pick<ConsentSealing, "tagOf">, organization: string): string {
  return tagOf(`deletion obligation ${organization}`);
}
