import { Assurance } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { HttpRequest, SurfaceContext } from "@wellapi/http";
import { msOf } from "./account/account-view.ts";
import { withContinuation } from "./continuation.ts";
import { type Html, html } from "./html.ts";
import { accountClient, call } from "./signed-in.ts";
import type { View } from "./view.ts";

/** A confirmation has to last until the form is filled in. */
const leftMs = 120_000;

/**
 * Whether the reader's session is good enough for what a form asks, so that a page asks for a confirmation before somebody
 * types. The call itself decides.
 */
export async function isConfirmed(
  context: SurfaceContext,
  request: HttpRequest,
  needed: Assurance.PASSKEY | Assurance.FRESH,
): Promise<boolean> {
  const { sessions } = await accountClient(context, request).listSessions({}, call);
  const current = sessions.find((one) => one.current);
  if (current === undefined) return false;
  if (needed === Assurance.PASSKEY) return current.assurance >= Assurance.PASSKEY;
  return current.freshUntil !== undefined && msOf(current.freshUntil) - Date.now() > leftMs;
}

/** In place of a form: the way to the confirmation, and back to this page. */
export function confirmFirst({ words }: View, path: string): Html {
  const { work, stepUp } = words;
  return html`<p>${work.confirmFirst}</p>
<p><a class="button" href="${withContinuation("/step-up", path)}">${stepUp.title}</a></p>`;
}
