import type { ConnectError } from "@connectrpc/connect";
import { problemOf } from "../status.ts";
import { dpopNonceHeader } from "./credential.ts";

/** What the client of an access token reads in the headers of a refusal (RFC 9110, 11.6.1), beside the error itself. */
export function setChallenge(error: ConnectError): void {
  const { reason, metadata = {} } = problemOf(error);
  const header = error.metadata;
  switch (reason) {
    case "DPOP_NONCE_REQUIRED":
      header.set(dpopNonceHeader, metadata.dpop_nonce ?? "");
      header.set("www-authenticate", 'DPoP error="use_dpop_nonce"');
      return;
    case "PROOF_INVALID":
      header.set("www-authenticate", 'DPoP error="invalid_dpop_proof"');
      return;
    case "SCOPE_REQUIRED":
      header.set("www-authenticate", 'Bearer error="insufficient_scope"');
  }
}
