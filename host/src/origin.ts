import type { ConfigReader } from "@wellapi/runtime";

const name = "WELLAPI_ORIGIN";

/**
 * Where people and programs reach the gateway. OAuth's issuer, passkeys and cookies hang on it, so that it is never
 * taken from a request. Undefined where it is not set.
 */
export function originOf(reader: ConfigReader): string | undefined {
  const set = reader.optional(name);
  if (set === undefined) return undefined;
  const url = URL.parse(set);
  const loopback = url !== null && ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  const safe = url?.protocol === "https:" || (url?.protocol === "http:" && loopback);
  if (!safe || url?.origin !== set) {
    reader.problem(
      `${name} is not valid: expected an address such as https://wellapi.example, without a path (http only for this machine)`,
    );
  }
  return set;
}
