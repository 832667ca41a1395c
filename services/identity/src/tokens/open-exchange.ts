import { openAccessTokens } from "../access-tokens/open-access-tokens.ts";
import type { IdentityConfig } from "../config.ts";
import { createBearerExchange } from "./bearer-exchange.ts";
import {
  type CredentialExchange,
  type CredentialExchangeDeps,
  createCredentialExchange,
} from "./exchange.ts";

type Parts = Omit<CredentialExchangeDeps, "accessTokens" | "bearers"> &
  Omit<Parameters<typeof createBearerExchange>[0], "accessTokens" | "region"> &
  Parameters<typeof openAccessTokens>[1];

/** The exchange of every kind of credential. */
export async function openCredentialExchange(
  config: IdentityConfig,
  parts: Parts,
): Promise<CredentialExchange & { close(): Promise<void> }> {
  const accessTokens = await openAccessTokens(config, parts);
  const bearers = createBearerExchange({ ...parts, accessTokens, region: config.region });
  return { ...createCredentialExchange({ ...parts, accessTokens, bearers }), close: accessTokens.close };
}
