import type { ShownRecovery } from "./account/account-view.ts";
import { type Html, html } from "./html.ts";
import type { View } from "./view.ts";

/** Somebody asked for the way back into the account: said on each page where the owner would look. */
export function recoveryNotice({ words }: View, { ready, end }: ShownRecovery): Html {
  const { account: says } = words;
  return html`<section class="notice warning stack-close" aria-labelledby="waiting">
<h2 id="waiting">${says.waitingTitle}</h2>
<p>${says.waitingLead(ready, end)}</p>
<form method="post" action="/account/recovery/cancel"><button class="button danger slim">${says.waitingStop}</button></form>
</section>`;
}
