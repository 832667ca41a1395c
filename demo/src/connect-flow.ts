import { createClient } from "@connectrpc/connect";
import { OAuthInteractionService } from "@wellapi/gen/wellapi/identity/v1/oauth_interaction_service_pb";
import type { PersonsBrowser } from "./browser.ts";
import type { Connected, Provider } from "./provider.ts";

/**
 * A provider connects a patient, without any operator: its server pushes the request (RFC 9126), the person's browser is sent to
 * the exchange, the person agrees there (`agree` grants the consent and gives its id), and the provider redeems the code.
 */
export async function connectPerson(
  provider: Provider,
  browser: PersonsBrowser,
  agree: (organization: string) => Promise<string>,
): Promise<Connected & { readonly consent: string }> {
  const pending = await provider.begin();
  const page = await browser.get(pending.url);
  const interaction = page.pathname.split("/").at(-1)!;
  const interactions = createClient(OAuthInteractionService, browser.as());
  const { interaction: asked } = await interactions.getInteraction({ interaction });
  const consent = await agree(asked!.client!.organization);
  const grantedScopes = asked!.scopes.map(({ scope }) => scope);
  const agreed = await interactions.completeInteraction({ interaction, grantedScopes, consents: [consent] });
  const connected = await provider.finish(pending, await browser.get(agreed.redirectUri));
  return { ...connected, consent };
}
