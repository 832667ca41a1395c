import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "@wellapi/runtime";

/**
 * Values that this server gives out and wants back in proofs (RFC 9449, section 9), so that nobody can make proofs ahead.
 * They are a MAC of the time: every replica knows them, and none is stored.
 */
export interface DpopNonces {
  /** The one to use next. */
  current(): string;
  /** `fresh`: it is good, and will be for at least a minute; `old`: it is good, but take `current` for the next call. */
  judge(nonce: string): "fresh" | "old" | "unknown";
}

/** Milliseconds. */
const STEP = 60_000;
/** A nonce is good for its own step and this many more, and one step early for the clock of another replica. */
const STEPS_AFTER = 3;

/** A nonce, and so a proof, is not good any longer after this time, milliseconds. */
export const NONCE_LIFETIME = (STEPS_AFTER + 2) * STEP;

/** `key`: the installation's, 32 bytes. */
export function createDpopNonces(key: Uint8Array, clock: Clock): DpopNonces {
  const at = (step: number): string =>
    createHmac("sha256", key).update(`dpop nonce ${step}`).digest("base64url").slice(0, 32);
  const now = (): number => Math.floor(clock.now() / STEP);
  return {
    current: () => at(now()),
    judge(nonce) {
      const sent = Buffer.from(nonce);
      for (let age = -1; age <= STEPS_AFTER; age++) {
        const own = Buffer.from(at(now() - age));
        if (sent.length === own.length && timingSafeEqual(sent, own)) return age <= 1 ? "fresh" : "old";
      }
      return "unknown";
    },
  };
}
