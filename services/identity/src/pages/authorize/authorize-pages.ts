import {
  type Interaction,
  Interaction_Asked,
  type InteractionClient,
  type RequestedScope,
  RequestedScope_Kind,
} from "@wellapi/gen/wellapi/identity/v1/oauth_interaction_service_pb";
import type { ConnectTerms } from "@wellapi/gen/wellapi/identity/v1/oauth_pb";
import { Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { withContinuation } from "../continuation.ts";
import { type Html, html } from "../html.ts";
import type { Page } from "../page.ts";
import { badge, notice } from "../parts.ts";
import type { View } from "../view.ts";
import { type Choices, choicesOf } from "./consent-choice.ts";

/** Somebody in whose name the reader can agree. */
export interface ActingChoice {
  readonly actingAs: string;
  readonly label: string;
  /** Whether it is somebody else's record. */
  readonly other: boolean;
}

/** Whether the command line gets the person's own place in these pages. */
export function givesPlace({ scopes }: Interaction): boolean {
  return scopes.some(({ kind }) => kind === RequestedScope_Kind.OWN);
}

function titleOf({ words }: View, interaction: Interaction): string {
  const { asked, client, terms } = interaction;
  const who = client?.organizationName ?? "";
  if (asked === Interaction_Asked.MEMBER || givesPlace(interaction))
    return words.consent.titleStaff(client?.displayName ?? "");
  return terms === undefined ? words.consent.titleSignIn(who) : words.consent.title(who);
}

/** Who asks: the name, and whether anybody has checked it. */
function whoAsks({ words }: View, client: InteractionClient): Html {
  const { consent } = words;
  const verified = client.organizationVerified;
  return html`<p>${consent.through(client.displayName)} ${
    verified ? badge("success", consent.verified) : badge("warning", consent.unverified)
  }</p>
${verified ? html`<p class="quiet small">${consent.verifiedLead}</p>` : notice("warning", html`<p>${consent.unverifiedLead}</p>`)}
${client.patientAccess && notice("warning", html`<p>${consent.ownApp}</p>`)}`;
}

function refuseForm({ words }: View, { id }: Interaction): Html {
  return html`<form method="post" action="/authorize/${id}/refuse"><button class="button second wide">${words.consent.refuse}</button></form>`;
}

function deviceCode({ words }: View, { userCode }: Interaction): Html | undefined {
  if (userCode === "") return undefined;
  return notice("warning", html`<p>${words.device.compare} <strong class="fixed">${userCode}</strong></p>`);
}

/** Before the reader has signed in: who sent them here. */
export function introductionPage(view: View, interaction: Interaction): Page {
  const { consent, signIn } = view.words;
  const title = titleOf(view, interaction);
  const target = `/authorize/${interaction.id}`;
  const body = html`<div class="card stack">
<h1>${title}</h1>
${interaction.client && whoAsks(view, interaction.client)}
${deviceCode(view, interaction)}
<p><a class="button wide" href="${withContinuation("/sign-in", target)}">${consent.signInFirst}</a></p>
<p><a class="button second wide" href="${withContinuation("/register", target)}">${signIn.create}</a></p>
${refuseForm(view, interaction)}
</div>`;
  return { title, body };
}

/** The reader is signed in, but not well enough for this: with which page to begin. */
export function notYetPage(
  view: View,
  interaction: Interaction,
  way: "passkey" | "nobody" | "member" | "staff",
): Page {
  const { consent, stepUp, account } = view.words;
  const title = titleOf(view, interaction);
  const text = {
    passkey: consent.passkeyFirst,
    nobody: consent.nobodyToAct,
    member: consent.askedMember,
    staff: consent.askedStaff,
  }[way];
  const body = html`<div class="card stack">
<h1>${title}</h1>
${interaction.client && whoAsks(view, interaction.client)}
<p>${text}</p>
<p>${
    way === "passkey"
      ? html`<a class="button wide" href="${withContinuation("/step-up", `/authorize/${interaction.id}`)}">${stepUp.passkey}</a>`
      : html`<a class="button wide" href="/account">${account.title}</a>`
  }</p>
${refuseForm(view, interaction)}
</div>`;
  return { title, body, signedIn: true };
}

export function authorizePage(
  view: View,
  options: { interaction: Interaction; acting: readonly ActingChoice[]; problem?: string | undefined },
): Page {
  const { consent } = view.words;
  const { interaction, acting, problem } = options;
  const { client, terms, scopes } = interaction;
  const title = titleOf(view, interaction);
  const host = client?.redirectHost ?? "";
  const body = html`<h1>${title}</h1>
<div class="card stack">
${client && whoAsks(view, client)}
${deviceCode(view, interaction)}
${problem !== undefined && notice("danger", html`<p>${problem}</p>`)}
<form class="stack" id="agree" method="post" action="/authorize/${interaction.id}">
${actingPart(view, acting)}
${terms && termsPart(view, terms)}
${scopesPart(view, scopes, terms === undefined)}
<p class="quiet small">${terms && consent.takeBack} ${host !== "" && consent.goesTo(host)}</p>
<button class="button wide">${consent.agree}</button>
</form>
${refuseForm(view, interaction)}
</div>`;
  return { title, body, signedIn: true };
}

function actingPart({ words }: View, acting: readonly ActingChoice[]): Html {
  const [first, ...others] = acting;
  if (others.length === 0) {
    const chosen = html`<input type="hidden" name="acting" value="${first?.actingAs}">`;
    if (first?.other !== true) return chosen;
    return html`${chosen}${notice("warning", html`<p>${words.consent.forWhom}: <strong>${first.label}</strong></p>`)}`;
  }
  return html`<fieldset><legend class="heading">${words.consent.forWhom}</legend>
${acting.map(
  ({ actingAs, label }, at) =>
    html`<div class="tick"><input type="radio" id="acting-${at}" name="acting" value="${actingAs}" required><label for="acting-${at}">${label}</label></div>`,
)}</fieldset>`;
}

function termsPart(view: View, terms: ConnectTerms): Html {
  const { consent } = view.words;
  const choices = choicesOf(terms);
  return html`<div class="stack-close"><h2>${consent.why}</h2><blockquote>${terms.why}</blockquote></div>
<div class="stack-close">
${choices.contribute && direction("contribute", consent.contribute, choices.read, consent.contributeWhat)}
${choices.read && direction("read", consent.read, choices.contribute)}
</div>
${choices.read && purposesPart(view, terms)}
<fieldset><legend class="heading">${consent.data}</legend><p class="quiet small">${consent.dataHint}</p>
${choices.categories.map((name) => tick(`category-${name}`, "category", name, consent.categories[name] ?? name.replaceAll("_", " ")))}
</fieldset>
${choices.read && resolutionPart(view, choices)}
${durationPart(view, choices)}
${terms.noticeUri !== "" && html`<p><a href="${terms.noticeUri}" target="_blank" rel="noopener noreferrer">${consent.notice}</a></p>`}`;
}

/** Where there are two directions, each can be taken out. */
function direction(name: string, label: string, withOther: boolean, hint?: string): Html {
  const more = hint !== undefined && html`<span class="quiet small">${hint}</span>`;
  if (withOther) return tick(name, name, "1", html`<strong>${label}</strong>. ${more}`);
  return html`<p><input type="hidden" name="${name}" value="1"><strong>${label}</strong>. ${more}</p>`;
}

function tick(id: string, name: string, value: string, label: Html | string): Html {
  return html`<div class="tick"><input type="checkbox" id="${id}" name="${name}" value="${value}" checked><label for="${id}">${label}</label></div>`;
}

function purposesPart({ words }: View, { purposes }: ConnectTerms): Html {
  const { purposeNames: names, purposes: title } = words.consent;
  const of: Readonly<Partial<Record<Purpose, string>>> = {
    [Purpose.TREATMENT]: names.treatment,
    [Purpose.PAYMENT]: names.payment,
    [Purpose.OPERATIONS]: names.operations,
    [Purpose.RESEARCH]: names.research,
    [Purpose.PATIENT_REQUEST]: names.patientRequest,
    [Purpose.PUBLIC_HEALTH]: names.publicHealth,
    [Purpose.EMERGENCY]: names.emergency,
    [Purpose.FAMILY_REQUEST]: names.familyRequest,
  };
  return html`<div class="stack-close"><h2>${title}</h2><ul>${purposes.map((one) => html`<li>${of[one] ?? Purpose[one]}</li>`)}</ul></div>`;
}

function resolutionPart({ words }: View, { resolutions }: Choices): Html {
  const { resolutions: names, resolution: title } = words.consent;
  const of = {
    [Resolution.RAW]: names.raw,
    [Resolution.HOURLY]: names.hourly,
    [Resolution.DAILY]: names.daily,
  };
  return select(
    "resolution",
    title,
    resolutions.map((one) => [String(one), of[one]] as const),
    0,
  );
}

function durationPart({ words }: View, { days }: Choices): Html {
  const { duration } = words.consent;
  const options = days.map((count) => [String(count), durationText(words.consent, count)] as const);
  return select("days", duration, options, options.length - 1);
}

function durationText(words: View["words"]["consent"], days: number): string {
  if (days === 0) return words.untilRevoked;
  if (days % 365 === 0) return words.years(days / 365);
  return days % 30 === 0 ? words.months(days / 30) : words.days(days);
}

function select(
  name: string,
  label: string,
  options: readonly (readonly [string, string])[],
  chosen: number,
): Html {
  return html`<div class="field"><label class="heading" for="${name}">${label}</label><select id="${name}" name="${name}">
${options.map(([value, text], at) => html`<option value="${value}"${at === chosen && html` selected`}>${text}</option>`)}
</select></div>`;
}

/** What the application gets besides: what can be taken out has a tick. Scopes on data are its own terms: to look at only. */
function scopesPart({ words }: View, scopes: readonly RequestedScope[], alone: boolean): Html {
  const { consent } = words;
  const { scopeKinds } = consent;
  const isData = ({ kind }: RequestedScope) =>
    kind === RequestedScope_Kind.PATIENT_DATA || kind === RequestedScope_Kind.USER_DATA;
  const plain: Readonly<Partial<Record<RequestedScope_Kind, string>>> = {
    [RequestedScope_Kind.SIGN_IN]: scopeKinds.signIn,
    [RequestedScope_Kind.OFFLINE]: scopeKinds.offline,
    [RequestedScope_Kind.LAUNCH]: scopeKinds.launch,
    [RequestedScope_Kind.OWN]: scopeKinds.own,
  };
  const others = scopes.filter((one) => !isData(one));
  const texts = [...new Set(others.map(({ kind }) => plain[kind]).filter((text) => text !== undefined))];
  const optional = (text: string) => others.filter(({ kind, required }) => plain[kind] === text && !required);
  const data = scopes.filter(isData);
  return html`${
    texts.length > 0 &&
    html`<fieldset><legend class="heading">${consent.scopes}</legend>${texts.map((text) =>
      optional(text).length === 0
        ? html`<p class="line">${text}</p>`
        : tick(
            `scope-${texts.indexOf(text)}`,
            "scopes",
            optional(text)
              .map(({ scope }) => scope)
              .join(" "),
            text,
          ),
    )}</fieldset>`
  }
${
  data.length > 0 &&
  html`<details${alone && html` open`}><summary>${consent.scopesMore}</summary><ul>${data.map((one) => html`<li>${scopeText(words.consent, one)} <code>${one.scope}</code></li>`)}</ul></details>`
}`;
}

function scopeText(words: View["words"]["consent"], scope: RequestedScope): string {
  const permissions = [...scope.permissions].map((one) => words.permissions[one] ?? one).join(", ");
  const what = scope.resource === "*" ? words.everything : scope.resource;
  return scope.kind === RequestedScope_Kind.USER_DATA
    ? words.scopeKinds.userData(what, permissions)
    : words.scopeKinds.patientData(what, permissions);
}

/**
 * Sends the browser on. Not by a redirect: browsers hold `form-action` along the redirects of a form, and the application is at
 * another origin.
 */
export function leavingPage({ words }: View, path: string): Page {
  const { consent } = words;
  const body = html`<div class="card stack"><h1>${consent.leaving}</h1><p><a class="button" href="${path}">${consent.leavingLink}</a></p></div>`;
  return { title: consent.leaving, body, goesTo: path };
}

export function devicePage(view: View, options: { code: string; problem?: string | undefined }): Page {
  const { device, common } = view.words;
  const { code, problem } = options;
  const wrong = problem !== undefined;
  const body = html`<h1>${device.title}</h1>
<p class="quiet">${device.lead}</p>
<div class="card"><form class="stack" method="post" action="/device">
<div class="field"><label for="user_code">${device.label}</label><p class="hint" id="user_code-hint">${device.hint}</p>
${wrong && html`<p class="wrong" id="user_code-wrong">${problem}</p>`}
<input class="code" id="user_code" name="user_code" required maxlength="32" autocomplete="off" autocapitalize="characters" spellcheck="false" value="${code}" aria-describedby="user_code-hint${wrong && " user_code-wrong"}"${wrong && html` aria-invalid="true" autofocus`}></div>
<button class="button wide">${common.goOn}</button>
</form></div>`;
  return { title: device.title, body, signedIn: true };
}
