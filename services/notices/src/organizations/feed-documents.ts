import type { CollectionDeclaration, Document } from "@wellapi/store";
import { type PatientKey, type Vault, VaultError } from "@wellapi/vault";
import { type Place, seal, unseal } from "../sealing.ts";
import type { Step, Subject } from "./event.ts";

/**
 * What an organization is told lies in a partition of its own, its feed, whose name is a MAC. What an event says is sealed under the
 * patient's audit key, as consents are: it can be read as long as they can, also after an erasure, and no longer.
 */

/** One for each organization that was told something: each change of its events replaces it, so that they are numbered without gaps. */
export type FeedDocument = Document & {
  /** Of the newest event. */
  readonly sequence: number;
  readonly event: string;
  /** When the newest was added. */
  readonly time: number;
};

export type EventDocument = Document & {
  /** From 1, without gaps. */
  readonly sequence: number;
  readonly event: string;
  /** The patient's partition. */
  readonly patient: string;
  /** A MAC. */
  readonly line: string;
  readonly rank: number;
  /** Not before that of the event before it. */
  readonly create_time: number;
  readonly sealed: Uint8Array;
};

/** When to look what became of a subject by itself. */
export type TimerDocument = Document & {
  /** A MAC of what it is about. */
  readonly subject: string;
  readonly patient: string;
  /** One of them. */
  readonly consent?: string;
  readonly consent_request?: string;
  readonly deletion_obligation?: string;
  readonly rights_request?: string;
  readonly due_time: number;
};

export const feeds: CollectionDeclaration = { name: "organization_feeds", key: ["partition"], indexes: [] };

export const organizationEvents: CollectionDeclaration = {
  name: "organization_events",
  key: ["partition", "sequence"],
  indexes: [
    { name: "by_time", fields: ["partition", "create_time"] },
    { name: "by_line", fields: ["partition", "line", "rank"] },
    { name: "by_age", fields: ["create_time"] },
  ],
};

export const feedTimers: CollectionDeclaration = {
  name: "organization_timers",
  key: ["partition", "subject"],
  indexes: [{ name: "due", fields: ["due_time"] }],
};

/** Stands for a text that may not lie in clear: a MAC under a key of the installation. */
export type TagOf = (text: string) => string;

/** The partition of what an organization is told. */
export function feedOf(tagOf: TagOf, organization: string): string {
  return `organizations/${tagOf(`organization ${organization}`)}`;
}

/** The sealed part of an EventDocument. */
export type EventContent = Subject & Pick<Step, "kind" | "time" | "version">;

export function sealEvent(
  key: PatientKey,
  at: Pick<EventDocument, "partition" | "event">,
  step: Step,
): Uint8Array {
  const { kind, time, version, consent, consentRequest, deletionObligation, rightsRequest } = step;
  const content: EventContent = {
    kind,
    time,
    version,
    ...(consent !== undefined && { consent }),
    ...(consentRequest !== undefined && { consentRequest }),
    ...(deletionObligation !== undefined && { deletionObligation }),
    ...(rightsRequest !== undefined && { rightsRequest }),
  };
  return seal(key, placeOf(at), content);
}

export function subjectOfTimer(document: TimerDocument): Subject {
  const {
    consent,
    consent_request: consentRequest,
    deletion_obligation: deletionObligation,
    rights_request: rightsRequest,
  } = document;
  if (consent !== undefined) return { consent };
  if (rightsRequest !== undefined) return { rightsRequest };
  return consentRequest === undefined ? { deletionObligation: deletionObligation ?? "" } : { consentRequest };
}

/** Undefined where the key was destroyed: the retention is over. Throws VaultError. */
export async function openEvent(
  vault: Pick<Vault, "key">,
  document: EventDocument,
): Promise<EventContent | undefined> {
  const key = await auditKeyOf(vault, document.patient);
  return key && unseal<EventContent>(key, placeOf(document), document.sealed);
}

/** Undefined where it was destroyed. It may be dropped from memory: use it in the turn in which it came. Throws VaultError. */
export async function auditKeyOf(
  vault: Pick<Vault, "key">,
  partition: string,
): Promise<PatientKey | undefined> {
  try {
    return await vault.key(partition, "audit");
  } catch (error) {
    if (error instanceof VaultError && error.code === "destroyed") return undefined;
    throw error;
  }
}

function placeOf({ partition, event }: Pick<EventDocument, "partition" | "event">): Place {
  return [organizationEvents.name, partition, event];
}
