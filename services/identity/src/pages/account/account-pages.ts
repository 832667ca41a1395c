import { withContinuation } from "../continuation.ts";
import { type Html, html } from "../html.ts";
import { languages, ownNames } from "../language.ts";
import type { Page } from "../page.ts";
import { badge, codeField, emailField, field, hidden, notice, passkeyButton } from "../parts.ts";
import { qrPicture } from "../picture.ts";
import { recoveryNotice } from "../recovery-notice.ts";
import type { View } from "../view.ts";
import type { ShownAccount, ShownPasskey, ShownSession } from "./account-view.ts";

export interface SecurityPage {
  readonly account: ShownAccount;
  readonly passkeys: readonly ShownPasskey[];
  readonly sessions: readonly ShownSession[];
  /** Whether something has just been changed. */
  readonly saved: boolean;
  readonly problem?: string | undefined;
}

export function securityPage(view: View, shown: SecurityPage): Page {
  const { account: words, overview } = view.words;
  const { account, saved, problem } = shown;
  const body = html`<h1>${overview.securityTitle}</h1>
${saved && html`<div class="notice success" role="status"><p>${words.saved}</p></div>`}
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
${account.recovery !== undefined && recoveryNotice(view, account.recovery)}
${aboutCard(view, account)}
${passkeysCard(view, shown.passkeys)}
${appCard(view, account)}
${recoveryCodesCard(view, account)}
${sessionsCard(view, shown.sessions)}
${account.recovery === undefined && lostCard(view)}`;
  return { title: overview.securityTitle, body, signedIn: true };
}

function aboutCard(view: View, account: ShownAccount): Html {
  const { account: words, common } = view.words;
  return html`<section class="card stack" aria-labelledby="you">
<h2 id="you">${words.you}</h2>
<form class="stack" method="post" action="/account/profile">
${hidden("etag", account.etag)}
${field({ name: "name", label: words.name, attributes: html`autocomplete="name" required maxlength="200" value="${account.name}"` })}
<div class="field"><label for="language">${words.language}</label><select id="language" name="language">
${languages.map((one) => html`<option value="${one}"${one === account.language && html` selected`}>${ownNames[one]}</option>`)}
</select></div>
<p><button class="button second slim">${common.save}</button></p>
</form>
<dl class="facts">
<dt>${words.email}</dt><dd>${account.email} <a href="/account/email">${words.change}</a></dd>
${account.patient !== undefined && html`<dt>${words.patientId}</dt><dd><code>${account.patient}</code></dd>`}
</dl>
</section>`;
}

function passkeysCard({ words }: View, passkeys: readonly ShownPasskey[]): Html {
  const { account: says } = words;
  return html`<section class="card stack" aria-labelledby="passkeys">
<h2 id="passkeys">${says.passkeys}</h2>
${passkeys.length === 0 && html`<p>${says.passkeysNone}</p>`}
${passkeys.length > 0 && html`<ul class="rows">${passkeys.map((one) => passkeyRow(one, says))}</ul>`}
${passkeys.length === 1 && html`<p class="quiet small">${says.passkeysOne}</p>`}
<p><a class="button ${passkeys.length > 0 && "second"}" href="/account/passkey">${says.addPasskey}</a></p>
</section>`;
}

function passkeyRow({ id, name, added, used, synced }: ShownPasskey, says: View["words"]["account"]): Html {
  const label = name === "" ? says.passkeyUnnamed : name;
  const facts = [says.added(added), used && says.used(used), synced && says.synced]
    .filter(Boolean)
    .join(" · ");
  return html`<li><div><strong>${label}</strong><br><span class="quiet small">${facts}</span></div>
<form method="post" action="/account/passkey/remove">${hidden("passkey", id)}<button class="button danger slim" aria-label="${says.removeNamed(label)}">${says.remove}</button></form></li>`;
}

function appCard({ words }: View, { totp }: ShownAccount): Html {
  const { account: says } = words;
  return html`<section class="card stack" aria-labelledby="app">
<h2 id="app">${says.app}</h2>
<p>${totp ? says.appOn : says.appOff}</p>
${
  totp
    ? html`<form method="post" action="/account/app/remove"><button class="button danger slim" aria-label="${says.removeNamed(says.app)}">${says.remove}</button></form>`
    : html`<form method="post" action="/account/app/start"><button class="button second slim">${says.appAdd}</button></form>`
}
</section>`;
}

function recoveryCodesCard({ words }: View, { recoveryCodes }: ShownAccount): Html {
  const { account: says } = words;
  return html`<section class="card stack" aria-labelledby="recovery">
<h2 id="recovery">${says.recovery}</h2>
<p>${says.recoveryLeft(recoveryCodes)}</p>
<form method="post" action="/account/recovery-codes"><button class="button second slim">${recoveryCodes === 0 ? says.recoveryMake : says.recoveryAgain}</button></form>
</section>`;
}

function sessionsCard({ words }: View, sessions: readonly ShownSession[]): Html {
  const { account: says } = words;
  return html`<section class="card stack" aria-labelledby="sessions">
<h2 id="sessions">${says.sessions}</h2>
<ul class="rows">${sessions.map(
    ({
      id,
      since,
      used,
      byCode,
      current,
    }) => html`<li><div>${says.session(since)} ${current && badge("success", says.thisDevice)}<br>
<span class="quiet small">${byCode ? says.byCode : says.byPasskey} · ${says.used(used)}</span></div>
${
  !current &&
  html`<form method="post" action="/account/sessions/end">${hidden("session", id)}<button class="button second slim" aria-label="${says.endNamed(since)}">${says.end}</button></form>`
}</li>`,
  )}</ul>
${
  sessions.length > 1 &&
  html`<form method="post" action="/account/sessions/end">${hidden("others", "1")}<button class="button danger slim">${says.endOthers}</button></form>`
}
</section>`;
}

function lostCard({ words }: View): Html {
  const { account: says } = words;
  return html`<section class="card stack" aria-labelledby="lost">
<h2 id="lost">${says.lost}</h2>
<p>${says.lostLead}</p>
<form method="post" action="/account/recovery/start"><button class="button second slim">${says.lostStart}</button></form>
</section>`;
}

/** `target`: where the reader goes on to with it. */
export function addPasskeyPage(view: View, target: string, problem?: string): Page {
  const { account: says, common } = view.words;
  const body = html`<h1>${says.passkeyTitle}</h1>
<div class="card">
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
<form class="stack" method="post" action="/account/passkey">${hidden("continue", target)}
<p>${says.passkeyLead}</p>
${field({ name: "name", label: says.passkeyName, hint: says.passkeyNameHint, attributes: html`maxlength="200" autocomplete="off"` })}
${passkeyButton(view, { kind: "create", options: "/account/passkey/options", label: says.addPasskey })}
<p><a href="/account/security">${common.cancel}</a></p>
</form>
</div>`;
  return { title: says.passkeyTitle, body, signedIn: true };
}

export function appPage(
  view: View,
  app: { readonly uri: string; readonly secret: string },
  problem?: string,
): Page {
  const { account: says, common } = view.words;
  const spaced = app.secret.replaceAll(/(.{4})(?=.)/g, "$1 ");
  const body = html`<h1>${says.appTitle}</h1>
<div class="card"><ol class="steps">
<li class="stack-close"><p>${says.appStep1}</p>
${qrPicture(app.uri, says.appPicture)}
<p><a href="${app.uri}">${says.appOpen}</a></p>
<p>${says.appType} <code>${spaced}</code></p></li>
<li><p>${says.appStep2}</p>
<form class="stack" method="post" action="/account/app">
${hidden("secret", app.secret)}${hidden("uri", app.uri)}
${codeField(view.words.code.label, { wrong: problem })}
<p class="actions"><button class="button">${says.appConfirm}</button> <a class="button second" href="/account/security">${common.cancel}</a></p>
</form></li>
</ol></div>`;
  return { title: says.appTitle, body, signedIn: true };
}

export function recoveryCodesPage(view: View, codes: readonly string[]): Page {
  const { account: says } = view.words;
  const file = `data:text/plain;charset=utf-8,${encodeURIComponent([says.recoveryFile, "", ...codes, ""].join("\r\n"))}`;
  const body = html`<h1>${says.recoveryTitle}</h1>
<div class="card stack">
<p>${says.recoveryLead} ${says.recoveryOld}</p>
<ul class="codes">${codes.map((code) => html`<li>${code}</li>`)}</ul>
<p class="actions no-print"><a class="button" href="${file}" download="wellapi-recovery-codes.txt">${says.recoverySave}</a>
<a class="button second" href="/account/security">${says.recoveryDone}</a></p>
</div>`;
  return { title: says.recoveryTitle, body, signedIn: true };
}

export function emailPage(view: View, wrong?: { readonly text: string; readonly email: string }): Page {
  const { account: says, signIn, common } = view.words;
  const body = html`<h1>${says.emailTitle}</h1>
<div class="card"><form class="stack" method="post" action="/account/email">
<p>${says.emailLead}</p>
${emailField(says.newEmail, { value: wrong?.email ?? "", wrong: wrong?.text })}
<p class="actions"><button class="button">${signIn.sendCode}</button> <a class="button second" href="/account/security">${common.cancel}</a></p>
</form></div>`;
  return { title: says.emailTitle, body, signedIn: true };
}

export function emailCodePage(view: View, problem?: string): Page {
  const { account: says, code, common } = view.words;
  const body = html`<h1>${code.title}</h1>
<p class="quiet">${code.lead}</p>
<div class="card"><form class="stack" method="post" action="/account/email/code">
${codeField(code.label, { wrong: problem })}
<p class="actions"><button class="button">${code.verify}</button> <a class="button second" href="/account/security">${common.cancel}</a></p>
</form></div>`;
  return { title: says.emailTitle, body, signedIn: true };
}

export function stepUpPage(
  view: View,
  options: {
    readonly target: string;
    readonly passkey: boolean;
    readonly totp: boolean;
    readonly recoveryCode: boolean;
    readonly problem?: string | undefined;
  },
): Page {
  const { stepUp: says, common, account } = view.words;
  const { target, passkey, totp, recoveryCode, problem } = options;
  const go = hidden("continue", target);
  if (!passkey && !totp && !recoveryCode) {
    const body = html`<div class="card stack"><h1>${says.none}</h1><p>${says.noneLead}</p>
<p class="actions"><a class="button" href="${withContinuation("/account/passkey", target)}">${account.addPasskey}</a> <a class="button second" href="/account">${common.back}</a></p></div>`;
    return { title: says.none, body, signedIn: true };
  }
  const codeForm = (
    kind: "totp" | "recovery",
    label: string,
    hint?: string,
  ) => html`<form class="stack" method="post" action="/step-up/code">
${go}${hidden("kind", kind)}
${field({ name: kind, label, hint, attributes: html`class="code" autocomplete="off" required maxlength="64"` })}
<button class="button second">${says.confirm}</button>
</form>`;
  const ways = [
    passkey &&
      html`<form class="stack" method="post" action="/step-up">${go}${passkeyButton(view, { kind: "get", options: "/step-up/options", label: says.passkey })}</form>`,
    totp && codeForm("totp", says.app),
    recoveryCode && codeForm("recovery", says.recovery, says.recoveryHint),
  ].filter((way) => way !== false);
  const body = html`<h1>${says.title}</h1>
<p class="quiet">${says.lead}</p>
<div class="card stack">
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
${ways.map((way, at) => [at > 0 && html`<p class="or">${common.or}</p>`, way])}
</div>
<p><a href="/account/security">${common.cancel}</a></p>`;
  return { title: says.title, body, signedIn: true };
}
