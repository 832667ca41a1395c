import { scopesWithin } from "@wellapi/scopes";
import { invalidField } from "../errors.ts";
import { readNetworks } from "./networks.ts";

const NO_SCOPE =
  "it is no scope that a key may have: write a SMART scope such as system/Observation.rs, or one of this exchange";

/** What an API key is called, and what limits it. */
export interface KeyTerms {
  readonly displayName?: string;
  readonly scopes?: readonly string[];
  readonly networks?: readonly string[];
}

/** Throws `invalid`, naming the field. What is empty is left out: it limits nothing. */
export function readKeyTerms(asked: {
  readonly displayName: string;
  readonly scopes?: readonly string[];
  readonly networks: readonly string[];
}): KeyTerms {
  const { displayName, scopes = [], networks } = asked;
  for (const [index, scope] of scopes.entries()) {
    if (scopesWithin([scope], "system").length === 0) throw invalidField(`scopes[${index}]`, NO_SCOPE);
  }
  return {
    ...(displayName !== "" && { displayName }),
    ...(scopes.length > 0 && { scopes }),
    ...(networks.length > 0 && { networks: readNetworks(networks, "networks") }),
  };
}
