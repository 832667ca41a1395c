import { type Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import { field } from "../parts.ts";
import type { View } from "../view.ts";

export const claimPath = "/account/claim";

/** By the code of whoever began the record. `first`: in place of the form, what has to come first. */
export function claimPage(
  view: View,
  { has, wrong, first }: { has: boolean; wrong?: string | undefined; first?: Html | undefined },
): Page {
  const { people, common } = view.words;
  const title = has ? people.claimHas : people.claimTitle;
  const body = html`<h1>${title}</h1>
<div class="card stack">
${has ? html`<p>${people.claimHasLead}</p><p><a class="button second" href="/account">${common.back}</a></p>` : html`<p>${people.claimLead}</p>${first ?? form(view, wrong)}`}
</div>`;
  return { title, body, signedIn: true };
}

function form({ words }: View, wrong: string | undefined): Html {
  const { people } = words;
  return html`<form class="stack" method="post" action="${claimPath}">
${field({
  name: "claim",
  label: people.claimLabel,
  hint: people.claimHint,
  wrong,
  attributes: html`required maxlength="128" autocomplete="off" autocapitalize="none" spellcheck="false" data-from-hash`,
})}
<button class="button wide">${people.claim}</button>
</form>`;
}
