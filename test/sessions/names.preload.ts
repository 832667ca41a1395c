/**
 * Loaded before a service, in the place of a cluster's name server: a name stands for the addresses that the file
 * `WELLAPI_TEST_NAMES` gives it, as a headless service's name does. Everything else is as it would be.
 */

import dns from "node:dns/promises";
import { readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const file = process.env.WELLAPI_TEST_NAMES!;
const real = dns.lookup;

async function lookup(host: string, options: { all: true }) {
  const names = JSON.parse(readFileSync(file, "utf8")) as Record<string, string[]>;
  const found = names[host];
  return found ? found.map((address) => ({ address, family: 4 })) : real(host, options);
}

Object.assign(dns, { lookup });
syncBuiltinESMExports();
