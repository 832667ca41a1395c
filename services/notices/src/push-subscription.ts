import type { Language } from "./preferences.ts";

/** A browser to which notices go (RFC 8030, 8291). */
export interface PushSubscription {
  /** `psh_...` */
  readonly id: string;
  /** UTC milliseconds. */
  readonly createTime: number;
  /** Who has it may send to the browser, once it also has the installation's key: a secret. */
  readonly endpoint: string;
  /** Base64url. */
  readonly p256dh: string;
  readonly auth: string;
  readonly language: Language;
  /** `OWN`, or the account of whoever acts for the patient and has the browser. Absent of those stored before this was kept: nobody's. */
  readonly account?: string;
}

/** Stands for the patient's account, and for the patient who has none. */
export const OWN = "own";

export const MOST_SUBSCRIPTIONS = 10;

/**
 * Whether the address is at one of the push services that the installation knows: `host`, `host:port`, or `*.domain` for hosts
 * below it. So nobody makes this service call an address of their choice.
 */
export function isKnownEndpoint(endpoint: string, hosts: readonly string[]): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol, host, username, password, hash } = new URL(endpoint);
  if (protocol !== "https:" || username !== "" || password !== "" || hash !== "") return false;
  return hosts.some((known) => (known.startsWith("*.") ? host.endsWith(known.slice(1)) : host === known));
}
