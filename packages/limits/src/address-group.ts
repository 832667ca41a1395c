import ipaddr from "ipaddr.js";

/**
 * The addresses that share a budget: an IPv4 address alone, an IPv6 address with its /64, which is what one subscriber gets
 * (RFC 6177). Undefined for what is no address.
 */
export function addressGroup(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return undefined;
  const parsed = ipaddr.process(address); // an IPv4-mapped one becomes IPv4
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  const network = [...parsed.parts.slice(0, 4), 0, 0, 0, 0];
  return `${new ipaddr.IPv6(network).toString()}/64`;
}
