import ipaddr from "ipaddr.js";

/** Where webhooks may go: the rules. */

/** An endpoint of this machine is for a sandbox alone: `localhost`, on any port, and what it resolves to. */
export type Reach = "internet" | "internet and loopback";

const ports: ReadonlySet<string> = new Set(["", "8443"]);
/** Names that a network answers for itself. The addresses are checked in any case. */
const ownNames = /(^|\.)(localhost|local|internal|intranet|lan|home\.arpa|svc|cluster\.local)$/;

/** What is wrong with the address of an endpoint; undefined: nothing. */
export function problemOfUrl(text: string, reach: Reach): string | undefined {
  const url = URL.parse(text);
  if (url === null) return "not a URL";
  if (url.protocol !== "https:") return "use https://";
  if (url.username !== "" || url.password !== "" || url.hash !== "")
    return "leave out user, password and fragment";
  if (reach !== "internet" && url.hostname === "localhost") return undefined;
  const host = url.hostname.replace(/\.$/, "");
  if (ipaddr.isValid(host.replace(/^\[|\]$/g, ""))) return "name a host, not an address";
  if (!host.includes(".") || ownNames.test(host)) return "name a host of the public Internet";
  return ports.has(url.port) ? undefined : "use port 443 or 8443";
}

/** The part of IPv6 from which public addresses are given (RFC 4291, section 2.4, and IANA's registry). */
const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3");

/**
 * Whether a webhook may be sent to an address: one of the public Internet, by IANA's registries of special-purpose addresses. An address
 * that holds an IPv4 address (RFC 4291, 6052, 3056) is not one, because who translates it may lead inside; a mapped one is judged as the
 * IPv4 address.
 */
export function mayReach(address: string, reach: Reach): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  if (range === "loopback") return reach !== "internet";
  if (range !== "unicast") return false;
  return parsed instanceof ipaddr.IPv6 ? parsed.match(globalUnicast) : true;
}
