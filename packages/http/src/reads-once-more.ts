import type { Transport } from "@connectrpc/connect";
import { withRetries } from "@wellapi/rpc";

/** What ends an answer of which nothing was released: a session with consent that lapsed, and consents that changed meanwhile. */
const reasons = ["UNDECIDED", "CONSENT_CHANGED"];

/**
 * The transport of a request, whose reads are made once more where their answer may not be passed on, under a new session and a new
 * decision and within the same deadline. A busy machine loses a session now and then; who reads sees nothing of it. Writes are made once.
 */
export function readsOnceMore(transport: Transport): Transport {
  return withRetries(transport, { attempts: 2, reasons });
}
