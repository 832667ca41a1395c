import { claimPath } from "../claim/claim-page.ts";
import { withContinuation } from "../continuation.ts";
import { type Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import { codeField, emailField, field, hidden, notice, passkeyButton } from "../parts.ts";
import type { View } from "../view.ts";

/** What a form shows again when it has to be corrected. */
export interface Wrong {
  readonly text: string;
  readonly email?: string | undefined;
  readonly name?: string | undefined;
  readonly zone?: string | undefined;
}

function continueField(target: string): Html | undefined {
  return hidden("continue", target === "/account" ? undefined : target);
}

function emailForm(view: View, options: { to: string; target: string; wrong?: Wrong | undefined }): Html {
  const { signIn } = view.words;
  const { to, target, wrong } = options;
  return html`<form class="stack" method="post" action="${to}">
${continueField(target)}
${emailField(signIn.email, { value: wrong?.email ?? "", wrong: wrong?.text })}
<button class="button second wide">${signIn.sendCode}</button>
</form>`;
}

export function signInPage(view: View, target: string, wrong?: Wrong & { passkey?: boolean }): Page {
  const { signIn, common } = view.words;
  const byPasskey = wrong?.passkey === true;
  const body = html`<h1>${signIn.title}</h1>
<p class="quiet">${signIn.lead}</p>
<div class="card stack">
${byPasskey && notice("danger", html`<p>${wrong.text}</p>`)}
<form class="stack" method="post" action="/sign-in/passkey">
${continueField(target)}
<p class="quiet small">${signIn.passkeyHint}</p>
${passkeyButton(view, { kind: "get", options: "/sign-in/passkey/options", label: signIn.withPasskey })}
</form>
<p class="or">${common.or}</p>
${emailForm(view, { to: "/sign-in", target, wrong: byPasskey ? undefined : wrong })}
<p class="quiet small">${signIn.codeHint}</p>
</div>
<p>${signIn.newHere} <a href="${withContinuation("/register", target)}">${signIn.create}</a></p>
${claimLink(view, target)}`;
  return { title: signIn.title, body };
}

/** A record that a provider began needs an account without one: who has a code starts here, before they register. */
function claimLink({ words }: View, target: string): Html {
  const { overview, people } = words;
  if (target === claimPath) return html`<p class="notice">${people.claimRegister}</p>`;
  return html`<p><a href="${withContinuation("/register", claimPath)}">${overview.claim}</a></p>`;
}

export function registerPage(view: View, target: string, wrong?: Wrong): Page {
  const { register, signIn } = view.words;
  const body = html`<h1>${register.title}</h1>
<p class="quiet">${register.lead}</p>
<div class="card stack">${emailForm(view, { to: "/register", target, wrong })}</div>
<p>${register.already} <a href="${withContinuation("/sign-in", target)}">${signIn.title}</a></p>
${claimLink(view, target)}`;
  return { title: register.title, body };
}

export function codePage(
  view: View,
  options: { target: string; mailbox: boolean; wrong?: Wrong | undefined },
): Page {
  const { code } = view.words;
  const { target, mailbox, wrong } = options;
  const body = html`<h1>${code.title}</h1>
<p class="quiet">${code.lead}</p>
${mailbox && notice("warning", html`<p>${code.mailbox} <a href="/mailbox" target="_blank" rel="noopener">${code.mailboxName}</a>.</p>`)}
<div class="card">
<form class="stack" method="post" action="/sign-in/code">
${continueField(target)}
${codeField(code.label, { wrong: wrong?.text })}
<button class="button wide">${code.verify}</button>
</form>
</div>
<p class="small">${code.nothing} ${code.nothingHint} <a href="${withContinuation("/sign-in", target)}">${code.another}</a></p>`;
  return { title: code.title, body };
}

export function detailsPage(view: View, target: string, wrong?: Wrong): Page {
  const { register } = view.words;
  const body = html`<h1>${register.detailsTitle}</h1>
<p class="quiet">${register.detailsLead}</p>
<div class="card">
<form class="stack" method="post" action="/register/details">
${continueField(target)}
${field({
  name: "name",
  label: register.name,
  hint: register.nameHint,
  wrong: wrong?.text,
  attributes: html`autocomplete="name" required maxlength="200" value="${wrong?.name}"`,
})}
${field({
  name: "zone",
  label: register.zone,
  hint: register.zoneHint,
  attributes: html`maxlength="64" data-time-zone value="${wrong?.zone}"`,
})}
${
  target === claimPath
    ? html`${hidden("staff", "1")}<p class="notice">${view.words.people.claimRegister}</p>`
    : html`<div class="tick"><input type="checkbox" id="staff" name="staff" value="1"><label for="staff">${register.staff}</label></div>`
}
<p class="quiet small">${register.passkeyHint}</p>
${passkeyButton(view, { kind: "create", options: "/register/options", label: register.withPasskey })}
<button class="button second wide">${register.without}</button>
<p class="quiet small">${register.withoutHint}</p>
</form>
</div>`;
  return { title: register.detailsTitle, body };
}

/** Stops a recovery that somebody asked for; the secret is in the mail's link, after the sign #. */
export function stopPage(view: View, wrong?: Wrong): Page {
  const { stop, common } = view.words;
  const body = html`<div class="card stack">
<h1>${stop.title}</h1>
<p>${stop.lead}</p>
<form class="stack" method="post" action="/recovery/stop">
${field({
  name: "stop",
  label: common.code,
  wrong: wrong?.text,
  attributes: html`required maxlength="128" autocomplete="off" data-from-hash`,
})}
<button class="button danger wide">${stop.button}</button>
</form>
</div>`;
  return { title: stop.title, body };
}

/** Something is done, and one way goes on. */
export function donePage(options: {
  readonly title: string;
  readonly lead: string;
  readonly path?: string;
  readonly label?: string;
  readonly signedIn?: boolean;
}): Page {
  const { title, lead, path, label, signedIn = false } = options;
  const body = html`<div class="card stack">
<h1>${title}</h1>
<p>${lead}</p>
${path !== undefined && html`<p><a class="button" href="${path}">${label}</a></p>`}
</div>`;
  return { title, body, signedIn };
}

export interface ShownMail {
  readonly email: string;
  readonly subject: string;
  readonly text: string;
  readonly time: string;
}

export function mailboxPage(view: View, mails: readonly ShownMail[]): Page {
  const { mailbox } = view.words;
  const body = html`<h1>${mailbox.title}</h1>
${notice("warning", html`<p>${mailbox.lead}</p>`)}
<p><a class="button second slim" href="/mailbox">${mailbox.again}</a></p>
${mails.length === 0 && html`<p>${mailbox.none}</p>`}
${mails.map(
  ({ email, subject, text, time }) => html`<article class="card stack-close">
<h2>${subject}</h2>
<p class="quiet small">${mailbox.to} ${email} · ${time}</p>
<div class="letter">${linked(text)}</div>
</article>`,
)}`;
  return { title: mailbox.title, body };
}

/** The text with its links to follow: only to pages of this very origin, whatever a mail says. */
function linked(text: string): readonly (Html | string)[] {
  return text.split(/(https?:\/\/[^\s<>"]+)/).map((part, at) => {
    if (at % 2 === 0) return part;
    const { pathname, hash } = new URL(part);
    return html`<a href="${pathname}${hash}">${part}</a>`;
  });
}
