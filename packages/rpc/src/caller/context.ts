import { randomUUID } from "node:crypto";
import { createContextKey } from "@connectrpc/connect";

/** The workload that calls, as its transport proves it. Absent: the call comes from outside. Server side only. */
export const peerWorkloadKey = createContextKey<string | undefined>(undefined, {
  description: "peer workload",
});

/** The client certificate that the TLS handshake verified, DER. Server side only. */
export const peerCertificateKey = createContextKey<Uint8Array | undefined>(undefined, {
  description: "peer certificate",
});

/** A call from outside as HTTP carried it. */
export interface HttpCall {
  readonly method: string;
  /** Host, with its port, by which the caller called. */
  readonly authority: string;
  /** Without its query. */
  readonly path: string;
}

/** Set by the doors' servers. A token that is bound to a key is good for the call that its proof names. */
export const httpCallKey = createContextKey<HttpCall | undefined>(undefined, { description: "HTTP call" });

/** One id for a call and the calls that it causes; in the `x-request-id` header and in every log line. */
export const requestIdKey = createContextKey<string>("", { description: "request id" });

export const requestIdHeader = "x-request-id";

/** The request id that a client gave, if it is a sensible one, or a new one. */
export function requestIdFrom(given: string | null | undefined): string {
  return typeof given === "string" && /^[A-Za-z0-9._-]{8,64}$/.test(given) ? given : randomUUID();
}

/**
 * Set by a caller that transfers its request and does not use it again: a transport within the process passes it on without
 * a copy. Set it only where a copy is expensive: nothing checks that the caller keeps the rule.
 */
export const requestTransferredKey = createContextKey(false, { description: "request transferred" });
