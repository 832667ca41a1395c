import { type Hole, type Html, html } from "./html.ts";
import type { View } from "./view.ts";

/** One labelled field. What is wrong with it stands before it, is read with it, and gets the focus. */
export function field(options: {
  readonly name: string;
  /** The name unless given: where several forms are on a page. */
  readonly id?: string;
  readonly label: string;
  readonly hint?: string | undefined;
  readonly wrong?: string | undefined;
  /** Further attributes. */
  readonly attributes: Html;
}): Html {
  const { name, id = name, label, hint, wrong, attributes } = options;
  const described = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(" ");
  return html`<div class="field">
<label for="${id}">${label}</label>
${hint !== undefined && html`<p class="hint" id="${id}-hint">${hint}</p>`}
${wrong !== undefined && html`<p class="wrong" id="${id}-wrong">${wrong}</p>`}
<input id="${id}" name="${name}"${described !== "" && html` aria-describedby="${described}"`}${
    wrong !== undefined && html` aria-invalid="true" autofocus`
  } ${attributes}>
</div>`;
}

/** `own: false`: another person's address, which the browser must not fill in with the reader's. */
export function emailField(
  label: string,
  options: { value?: string; wrong?: string | undefined; own?: boolean },
): Html {
  const { value = "", wrong, own = true } = options;
  return field({
    name: "email",
    label,
    wrong,
    attributes: html`type="email" autocomplete="${own ? "email" : "off"}" inputmode="email" required maxlength="254" value="${value}"`,
  });
}

/** A field for digits that were sent or are shown elsewhere. */
export function codeField(label: string, options: { hint?: string; wrong?: string | undefined } = {}): Html {
  return field({
    name: "code",
    label,
    ...options,
    attributes: html`class="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9 ]*" maxlength="9" required`,
  });
}

export function hidden(name: string, value: string | undefined): Html | undefined {
  return value === undefined ? undefined : html`<input type="hidden" name="${name}" value="${value}">`;
}

/**
 * The parts of a form that asks the browser for a passkey (pages.js of @wellapi/ui): its button, which only a browser that can use it
 * shows, its answer, and what it says meanwhile.
 */
export function passkeyButton(
  { words }: View,
  options: { readonly kind: "create" | "get"; readonly options: string; readonly label: string },
): Html {
  const { common } = words;
  return html`<input type="hidden" name="passkey" value="">
<button type="button" class="button wide" hidden data-passkey="${options.kind}" data-options="${options.options}">${options.label}</button>
<p class="notice" role="status" hidden data-says data-waiting="${common.waiting}" data-stopped="${common.passkeyStopped}" data-failed="${common.passkeyFailed}" data-missing="${common.noPasskeys}"></p>
<noscript><p class="notice">${common.noScript}</p></noscript>`;
}

export type Tone = "danger" | "warning" | "success";

/** `role="alert"` is read at once; only for what went wrong. */
export function notice(tone: Tone, ...content: readonly Hole[]): Html {
  const role = tone === "danger" && html` role="alert"`;
  return html`<div class="notice ${tone}"${role}>${content}</div>`;
}

export function badge(tone: "success" | "warning" | "plain", text: string): Html {
  return html`<strong class="badge ${tone}">${text}</strong>`;
}
