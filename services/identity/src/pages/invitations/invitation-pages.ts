import type { GetInvitationResponse } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { msOf } from "../account/account-view.ts";
import { withContinuation } from "../continuation.ts";
import { type Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import { badge, field, notice } from "../parts.ts";
import { roleName } from "../roles.ts";
import { timeText } from "../times.ts";
import type { View } from "../view.ts";
import type { Offer } from "./offers.ts";

/** Takes the code, which is in the link after the sign #, or is typed. */
export function invitationCodePage(view: View, wrong?: string): Page {
  const { invitation } = view.words;
  const body = html`<h1>${invitation.title}</h1>
<div class="card"><form class="stack" method="post" action="/invitations">
${field({
  name: "invitation",
  label: invitation.code,
  hint: invitation.codeHint,
  wrong,
  attributes: html`required maxlength="64" autocomplete="off" spellcheck="false" data-from-hash`,
})}
<button class="button wide">${invitation.look}</button>
</form></div>`;
  return { title: invitation.title, body };
}

export const offerPath = "/invitations/offer";

/** What is offered, and by whom; accepted by who is signed in. */
export function offerPage(
  view: View,
  options: { offer: Offer; signedIn: boolean; problem?: string | undefined },
): Page {
  const { words } = view;
  const { offer, signedIn, problem } = options;
  const title = offerTitle(view, offer);
  const body = html`<div class="card stack">
<h1>${title}</h1>
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
${offer.kind === "work" ? workPart(view, offer.work) : recordPart(view, offer)}
${
  signedIn
    ? html`<form method="post" action="/invitations/accept"><button class="button wide">${words.invitation.accept}</button></form>`
    : html`<p><a class="button wide" href="${withContinuation("/sign-in", offerPath)}">${words.signIn.title}</a></p>
<p><a class="button second wide" href="${withContinuation("/register", offerPath)}">${words.signIn.create}</a></p>`
}
<form method="post" action="/invitations/decline"><button class="button second wide">${words.people.decline}</button></form>
</div>`;
  return { title, body, signedIn };
}

function offerTitle({ words }: View, offer: Offer): string {
  const { invitation, people } = words;
  if (offer.kind === "record") return people.offerTitle[offer.as](offer.patientName);
  const { organization, organizationName } = offer.work;
  return organization === "" ? invitation.leadStaff : invitation.lead(organizationName);
}

function workPart(view: View, { organization, verified, roles, expireTime }: GetInvitationResponse): Html {
  const { words } = view;
  const { invitation } = words;
  return html`${organization !== "" && verification(view, verified)}
<div class="stack-close"><h2>${invitation.roles}</h2><ul>${roles.map((role) => html`<li>${roleName(words, role)}</li>`)}</ul></div>
<p class="quiet small">${invitation.until(timeText(view, msOf(expireTime)))} ${invitation.passkeyNeeded}</p>`;
}

function recordPart(view: View, { as, endMs }: Offer & { readonly kind: "record" }): Html {
  const { people, invitation } = view.words;
  const leads = {
    carer: people.offerCarer,
    guardian: people.offerGuardian,
    representative: people.offerRepresentative,
  };
  return html`<p>${leads[as]}</p>
<p>${people.offerOwn}</p>
<p class="quiet small">${invitation.until(timeText(view, endMs))} ${invitation.passkeyNeeded}</p>`;
}

function verification({ words }: View, verified: boolean): Html {
  const { consent } = words;
  return verified
    ? html`<p>${badge("success", consent.verified)} <span class="quiet small">${consent.verifiedLead}</span></p>`
    : html`<p>${badge("warning", consent.unverified)}</p>${notice("warning", html`<p>${consent.unverifiedLead}</p>`)}`;
}
