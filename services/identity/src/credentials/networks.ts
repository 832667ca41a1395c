import ipaddr from "ipaddr.js";
import { invalidField } from "../errors.ts";

type Address = ReturnType<typeof ipaddr.parse>;

const EXAMPLE = "write a CIDR block such as 192.0.2.0/24 or 2001:db8::/32, or one address";

/**
 * The blocks in one spelling. Throws `invalid` for what is no block, and for a block with bits beyond its prefix: such a
 * slip would permit more than it seems to.
 */
export function readNetworks(texts: readonly string[], field: string): readonly string[] {
  return texts.map((text, index) => readNetwork(text, `${field}[${index}]`));
}

function readNetwork(text: string, field: string): string {
  const [written = "", length, ...more] = text.split("/");
  const address = parsed(written);
  if (address === undefined || more.length > 0) throw invalidField(field, `it is no network; ${EXAMPLE}`);
  const most = address.kind() === "ipv4" ? 32 : 128;
  const bits = length === undefined ? most : /^(0|[1-9]\d{0,2})$/.test(length) ? Number(length) : -1;
  if (bits < 0 || bits > most) throw invalidField(field, `its prefix is 0 to ${most} bits; ${EXAMPLE}`);
  const whole = `${address.toString()}/${bits}`;
  const kind = address.kind() === "ipv4" ? ipaddr.IPv4 : ipaddr.IPv6;
  const network = `${kind.networkAddressFromCIDR(whole).toString()}/${bits}`;
  if (network !== whole) {
    throw invalidField(field, `it has bits beyond its prefix: write ${network}, or a longer prefix`);
  }
  return network;
}

/** Four decimal parts, or IPv6 without a zone. IPv4 in an IPv6 address would never match: it is written as IPv4. */
function parsed(text: string): Address | undefined {
  if (text.includes(":")) {
    if (!ipaddr.IPv6.isValid(text) || text.includes("%")) return undefined;
    const address = ipaddr.IPv6.parse(text);
    return address.isIPv4MappedAddress() ? undefined : address;
  }
  return ipaddr.IPv4.isValidFourPartDecimal(text) ? ipaddr.IPv4.parse(text) : undefined;
}

/** Whether the address lies in one of the blocks. An address that is not known lies in none. */
export function isWithin(networks: readonly string[], address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const from = ipaddr.process(address); // an IPv4-mapped one becomes IPv4
  return networks.some((network) => {
    const [base, bits] = ipaddr.parseCIDR(network);
    return base.kind() === from.kind() && from.match(base as never, bits);
  });
}
