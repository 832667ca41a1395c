import { html } from "../html.ts";
import { documentOf } from "../page.ts";
import type { View } from "../view.ts";

/** Why the OAuth server refused: `error` and `error_description` of RFC 6749. */
export interface RefusedRequest {
  readonly status: number;
  readonly error: string;
  readonly description: string;
  /** Whether the reader wanted to end a sign-in. */
  readonly logout: boolean;
}

/**
 * For the person in whose browser an application's request ended. They are sent nowhere: an address that is not registered may be
 * anybody's. Returns the document.
 */
export function refusedRequestPage(view: View, refused: RefusedRequest): string {
  const { application } = view.words;
  const { error, description } = refused;
  const body = html`<div class="card stack">
<h1>${application.title}</h1>
<p>${reasonText(view, refused)} ${application.nothing}</p>
<p>${application.what}</p>
<details><summary>${application.details}</summary><p><code>${error}</code></p>${description !== "" && html`<p><code>${description}</code></p>`}</details>
</div>`;
  return documentOf(view, { title: application.title, body });
}

function reasonText({ words }: View, { status, error, description, logout }: RefusedRequest): string {
  const { application } = words;
  if (status >= 500) return application.away;
  if (logout) return application.noSession;
  if (error === "invalid_client" || error === "unauthorized_client") return application.unknownClient;
  if (error === "invalid_redirect_uri" || description.includes("redirect_uri")) return application.redirect;
  return error === "invalid_request_uri" || /session|expired|request_uri/.test(description)
    ? application.ended
    : application.malformed;
}
