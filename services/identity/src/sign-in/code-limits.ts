import type { Clock } from "@wellapi/runtime";
import type { Document, Store } from "@wellapi/store";
import { codesLimited } from "../accounts/account-errors.ts";
import { collections } from "../collections.ts";
import { put } from "../put.ts";

type CountDocument = Document & {
  readonly id: string;
  /** When a code was sent in the last day, UTC milliseconds, oldest first. */
  readonly times: readonly number[];
  readonly expireTime: number;
};

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Codes that are sent to one address, whoever asks for them. */
const windows = [
  { ms: HOUR, most: 5 },
  { ms: DAY, most: 15 },
] as const;

/** Counts the codes of an address over all replicas. */
export interface CodeLimits {
  /** `addressMac` stands for the address. Throws `codes_limited`. */
  take(addressMac: string): Promise<void>;
}

export function createCodeLimits(store: Store, clock: Clock): CodeLimits {
  const { codeCounts: collection } = collections;
  return {
    async take(addressMac) {
      const partition = `address/${addressMac}`;
      for (;;) {
        const now = clock.now();
        const stored = await store.get<CountDocument>(collection, [partition, addressMac]);
        const times = (stored?.document.times ?? []).filter((time) => time > now - DAY);
        for (const { ms, most } of windows) {
          const within = times.filter((time) => time > now - ms);
          if (within.length >= most) throw codesLimited(within[within.length - most]! + ms - now);
        }
        const document = { partition, id: addressMac, times: [...times, now], expireTime: now + DAY };
        if ((await store.commit({ partition, changes: [put(collection, document, stored)] })).committed)
          return;
      }
    },
  };
}
