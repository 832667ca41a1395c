import { invalidField } from "../errors.ts";
import { readNetworks } from "./networks.ts";

/** What an API key is called, and what limits it. */
export interface KeyTerms {
  readonly displayName?: string;
  readonly scopes?: readonly string[];
  readonly networks?: readonly string[];
}

/** A scope as OAuth spells it (RFC 6749, section 3.3). */
const SCOPE = /^[\x21\x23-\x5B\x5D-\x7E]{1,200}$/;

/** Throws `invalid`, naming the field. What is empty is left out: it limits nothing. */
export function readKeyTerms(asked: {
  readonly displayName: string;
  readonly scopes?: readonly string[];
  readonly networks: readonly string[];
}): KeyTerms {
  const { displayName, scopes = [], networks } = asked;
  for (const [index, scope] of scopes.entries()) {
    if (!SCOPE.test(scope)) throw invalidField(`scopes[${index}]`, "it is no scope (RFC 6749, section 3.3)");
  }
  return {
    ...(displayName !== "" && { displayName }),
    ...(scopes.length > 0 && { scopes }),
    ...(networks.length > 0 && { networks: readNetworks(networks, "networks") }),
  };
}
