import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { type Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import { badge, emailField, hidden, notice } from "../parts.ts";
import { languageField } from "../people/people-pages.ts";
import { roleName } from "../roles.ts";
import type { View } from "../view.ts";

export interface ShownMember {
  readonly account: string;
  readonly email: string;
  readonly roles: readonly Role[];
  readonly since: string;
  readonly etag: string;
  /** The reader themselves. */
  readonly own: boolean;
}

export interface ShownInvitation {
  readonly id: string;
  readonly email: string;
  readonly roles: readonly Role[];
  readonly until: string;
}

export interface TeamPage {
  readonly path: string;
  readonly title: string;
  readonly beside: Page["beside"];
  readonly members: readonly ShownMember[];
  /** Undefined: the reader may not see them. */
  readonly invitations: readonly ShownInvitation[] | undefined;
  /** Roles that the reader may give; none: the reader changes nothing but their own part. */
  readonly gives: readonly Role[];
  /** In place of forms that change something: what has to come first. */
  readonly first: Html | undefined;
  readonly requestId: string;
  readonly done: "saved" | "invited" | undefined;
  readonly wrong?:
    | { readonly text: string; readonly email?: string; readonly roles?: readonly Role[] }
    | undefined;
}

/** Who works here, in which roles; and invitations. */
export function teamPage(view: View, page: TeamPage): Page {
  const { work } = view.words;
  const { title, members, invitations, gives, done, wrong, beside } = page;
  const body = html`<h1>${title}</h1>
<p class="quiet">${work.membersLead}</p>
${done !== undefined && html`<div class="notice success" role="status"><p>${work[done]}</p></div>`}
${wrong !== undefined && notice("danger", html`<p>${wrong.text}</p>`)}
<section class="card" aria-label="${title}"><ul class="rows">${members.map((one) => memberRow(view, page, one))}</ul></section>
${
  invitations !== undefined &&
  invitations.length > 0 &&
  html`<section class="card stack" aria-labelledby="pending"><h2 id="pending">${work.pending}</h2><ul class="rows">${invitations.map((one) => invitationRow(view, page, one))}</ul></section>`
}
${gives.length > 0 && inviteCard(view, page)}`;
  return { title, body, signedIn: true, ...(beside && { beside }) };
}

function rolesText({ words }: View, roles: readonly Role[]): string {
  return roles.map((role) => roleName(words, role)).join(", ");
}

function memberRow(view: View, page: TeamPage, member: ShownMember): Html {
  const { work } = view.words;
  const { account, roles, since, etag, own } = member;
  const email = member.email === "" ? work.noAddress : member.email;
  const may = page.gives.length > 0 && roles.every((role) => page.gives.includes(role));
  return html`<li><div><strong>${email}</strong> ${own && badge("plain", work.you)}<br>
<span class="quiet small">${rolesText(view, roles)} · ${work.since(since)}</span>
${
  may &&
  page.first === undefined &&
  html`<details><summary aria-label="${work.changeNamed(email)}">${work.change}</summary>
<form class="stack" method="post" action="${page.path}/roles">${hidden("account", account)}${hidden("etag", etag)}
${rolesField(view, page.gives, roles, account)}<p><button class="button second slim">${work.saveRoles}</button></p></form></details>`
}</div>
${
  (may || own) &&
  html`<form method="post" action="${page.path}/remove">${hidden("account", account)}${hidden("etag", etag)}${own && hidden("own", "1")}<button class="button danger slim"${!own && html` aria-label="${work.removeNamed(email)}"`}>${own ? work.leave : work.remove}</button></form>`
}</li>`;
}

function invitationRow(view: View, { path, gives }: TeamPage, one: ShownInvitation): Html {
  const { work } = view.words;
  const { id, email, roles, until } = one;
  return html`<li><div><strong>${email === "" ? work.noAddress : email}</strong><br>
<span class="quiet small">${rolesText(view, roles)} · ${work.until(until)}</span></div>
${
  gives.length > 0 &&
  html`<form method="post" action="${path}/withdraw">${hidden("invitation", id)}<button class="button danger slim" aria-label="${work.withdrawNamed(email)}">${work.withdraw}</button></form>`
}</li>`;
}

/** `of` keeps the ids of several such fields on a page apart. */
function rolesField({ words }: View, roles: readonly Role[], chosen: readonly Role[], of: string): Html {
  const { work } = words;
  return html`<fieldset><legend>${work.roles}</legend>${roles.map((role) => {
    const id = `role-${role}-${of}`;
    const hint = work.roleHints[(Role[role] ?? "").toLowerCase()];
    return html`<div class="tick"><input type="checkbox" id="${id}" name="role" value="${role}"${chosen.includes(role) && html` checked`}><label for="${id}">${roleName(words, role)}${hint !== undefined && html`<br><span class="quiet small">${hint}</span>`}</label></div>`;
  })}</fieldset>`;
}

function inviteCard(view: View, { path, gives, first, requestId, wrong }: TeamPage): Html {
  const { work } = view.words;
  return html`<section class="card stack" aria-labelledby="invite"><h2 id="invite">${work.invite}</h2>
<p class="quiet small">${work.inviteLead}</p>
${
  first ??
  html`<form class="stack" method="post" action="${path}/invite">${hidden("request", requestId)}
${emailField(work.email, { value: wrong?.email ?? "", own: false })}
${rolesField(view, gives, wrong?.roles ?? [], "new")}
${languageField(view)}
<p><button class="button">${work.send}</button></p></form>`
}</section>`;
}
