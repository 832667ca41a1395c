/** What this device knows of its subscription for one record. */
export interface KeptSubscription {
  /** `psh_...` */
  readonly id: string;
  /** The address that the exchange was told. */
  readonly endpoint: string;
}

/** What is found when the page is shown. */
export interface Found {
  /** Read before `listed` was asked for: otherwise one that was made meanwhile would look like a removed one. */
  readonly kept: KeptSubscription | undefined;
  /** Ids of the subscriptions of the record. */
  readonly listed: readonly string[];
  /** The browser's subscription, and for which key it is, base64url. */
  readonly current: { readonly endpoint: string; readonly key: string } | undefined;
  /** The installation's key of today. */
  readonly key: string;
}

/**
 * `on`: notices of the record come to this browser. `moved`: they were to come, and the browser has another address by now, or none, or
 * the installation another key. `removed`: somebody has taken this browser out of the list. `off`: nobody has switched it on.
 */
export function pushStanding({ kept, listed, current, key }: Found): "on" | "moved" | "removed" | "off" {
  if (kept === undefined) return "off";
  if (current?.endpoint !== kept.endpoint || current.key !== key) return "moved";
  return listed.includes(kept.id) ? "on" : "removed";
}
