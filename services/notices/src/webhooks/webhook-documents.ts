import type { CollectionDeclaration, Document } from "@wellapi/store";
import type { ItemSealer } from "@wellapi/vault";
import type { AlertKind } from "./alert.ts";
import type { Attempt, DeliveryState } from "./attempt.ts";
import type { DisableReason, Endpoint, EndpointState } from "./endpoint.ts";

/**
 * All of an organization's webhooks lies in the partition of its feed, so a place, what is delivered and what became of it are one commit.
 * What names the organization, its address and its secrets are sealed under a key of the installation.
 */

export type EndpointDocument = Document & {
  readonly endpoint: string;
  /** From 0: unique, so that no more are made than there may be. */
  readonly slot: number;
  readonly create_time: number;
  readonly version: number;
  readonly state: EndpointState;
  readonly disable_reason?: DisableReason;
  readonly sealed: Uint8Array;
};

/** How far an endpoint has read its feed. Whoever delivers replaces it with each step: so never two do. */
export type PlaceDocument = Document & {
  readonly endpoint: string;
  /** Of the last event that has become a delivery, or was not asked for. */
  readonly sequence: number;
  readonly event: string;
  /** When somebody looks what there is to deliver. Absent: not before it is enabled. */
  readonly due_time?: number;
  /** Until when somebody delivers. Absent: nobody does. */
  readonly lease_time?: number;
  /** Until when the endpoint is left alone, because it was away. */
  readonly rest_time?: number;
  /** When it was last enabled again: what failed before is due at once. */
  readonly enable_time?: number;
  readonly failures: number;
  readonly failing_since?: number;
  readonly failed_at?: number;
  /** When the organization was last told that events were given up. */
  readonly told_time?: number;
};

export type WebhookDeliveryDocument = Document & {
  readonly endpoint: string;
  readonly sequence: number;
  readonly event: string;
  /** The patient's partition: later events of the same patient wait behind it. */
  readonly patient: string;
  readonly create_time: number;
  readonly state: DeliveryState;
  readonly due_time: number;
  readonly first_time?: number;
  readonly attempt_count: number;
  readonly tries: number;
  readonly attempts: readonly Attempt[];
  /** When it was settled. What waits has none, and is never too old. */
  readonly settle_time?: number;
};

/** Of what the organization's developers are still to be told. */
export type AlertDocument = Document & {
  readonly endpoint: string;
  readonly id: string;
  readonly kind: AlertKind;
  /** When it is tried next, UTC milliseconds. */
  readonly due_time: number;
  readonly tries: number;
};

export const endpoints: CollectionDeclaration = {
  name: "webhook_endpoints",
  key: ["partition", "endpoint"],
  indexes: [{ name: "by_slot", fields: ["partition", "slot"], unique: true }],
};

export const places: CollectionDeclaration = {
  name: "webhook_places",
  key: ["partition", "endpoint"],
  indexes: [{ name: "due", fields: ["due_time"] }],
};

export const webhookDeliveries: CollectionDeclaration = {
  name: "webhook_deliveries",
  key: ["partition", "endpoint", "sequence"],
  indexes: [
    { name: "by_state", fields: ["partition", "endpoint", "state", "sequence"] },
    { name: "by_event", fields: ["partition", "endpoint", "event"] },
    { name: "by_age", fields: ["settle_time"] },
  ],
};

export const alerts: CollectionDeclaration = {
  name: "webhook_alerts",
  key: ["partition", "endpoint", "id"],
  indexes: [{ name: "due", fields: ["due_time"] }],
};

/** The sealed part of an EndpointDocument. */
export type EndpointContent = Pick<Endpoint, "organization" | "url" | "description" | "kinds" | "secrets"> & {
  /** A MAC of what the creation asked for. */
  readonly asked: string;
};

/** Label of the key under which endpoints are sealed (`Kms.derive`). */
export const WEBHOOKS_KEY = "notices/webhooks";

export function sealEndpoint(
  sealer: ItemSealer,
  { partition, endpoint }: Pick<EndpointDocument, "partition" | "endpoint">,
  content: EndpointContent,
): Uint8Array {
  return sealer.seal([endpoints.name, partition, endpoint], Buffer.from(JSON.stringify(content)));
}

/** Throws VaultError `tampered`. */
export function openEndpoint(
  sealer: ItemSealer,
  { partition, endpoint, sealed }: Pick<EndpointDocument, "partition" | "endpoint" | "sealed">,
): EndpointContent {
  const opened = sealer.open([endpoints.name, partition, endpoint], sealed);
  return JSON.parse(Buffer.from(opened).toString()) as EndpointContent;
}
