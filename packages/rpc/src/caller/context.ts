import { createContextKey } from "@connectrpc/connect";

/** The workload that calls, as its transport proves it. Absent: the call comes from outside. Server side only. */
export const peerWorkloadKey = createContextKey<string | undefined>(undefined, {
  description: "peer workload",
});

/** The client certificate that the TLS handshake verified, DER. Server side only. */
export const peerCertificateKey = createContextKey<Uint8Array | undefined>(undefined, {
  description: "peer certificate",
});

/** One id for a call and the calls that it causes; in the `x-request-id` header and in every log line. */
export const requestIdKey = createContextKey<string>("", { description: "request id" });

export const requestIdHeader = "x-request-id";

/**
 * Set by a caller that never touches its request again: within a process it is then handed over as it is, not copied. Only
 * where the copy is dear: nothing keeps the caller to its word.
 */
export const requestGivenAwayKey = createContextKey(false, { description: "request given away" });
