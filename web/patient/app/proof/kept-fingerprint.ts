/** What this device keeps of the log: nothing about anybody. */
export interface KeptFingerprint {
  /** Signed checkpoint (C2SP tlog-checkpoint). */
  readonly checkpoint: string;
  /** The key that was met first, `name+hash+key`: trusted from then on. */
  readonly trustedKey: string;
  /** UTC milliseconds: when it was kept. */
  readonly time: number;
}

const name = "wellapi-log";

/** Undefined where there is none, or what is there is no fingerprint. */
export function keptFingerprint(storage: Storage = localStorage): KeptFingerprint | undefined {
  try {
    const kept: unknown = JSON.parse(storage.getItem(name) ?? "null");
    return isFingerprint(kept) ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** A browser that keeps nothing for pages has no fingerprint the next time. */
export function keepFingerprint(fingerprint: KeptFingerprint, storage: Storage = localStorage): void {
  try {
    storage.setItem(name, JSON.stringify(fingerprint));
  } catch {
    // Full or forbidden.
  }
}

function isFingerprint(value: unknown): value is KeptFingerprint {
  if (typeof value !== "object" || value === null) return false;
  const { checkpoint, trustedKey, time } = value as Record<string, unknown>;
  return typeof checkpoint === "string" && typeof trustedKey === "string" && typeof time === "number";
}
