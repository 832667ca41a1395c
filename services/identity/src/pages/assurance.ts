import { Assurance } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { HttpRequest, SurfaceContext } from "@wellapi/http";
import { msOf } from "./account/account-view.ts";
import { withContinuation } from "./continuation.ts";
import { type Html, html } from "./html.ts";
import { accountClient, call } from "./signed-in.ts";
import type { View } from "./view.ts";

/** A confirmation has to last until the form is filled in. */
const leftMs = 120_000;

async function currentSession(context: SurfaceContext, request: HttpRequest) {
  const { sessions } = await accountClient(context, request).listSessions({}, call);
  return sessions.find((one) => one.current);
}

/** Until when the reader's confirmation with a passkey or a second factor is fresh, UTC milliseconds; 0: there is none. */
export async function freshUntilOf(context: SurfaceContext, request: HttpRequest): Promise<number> {
  return msOf((await currentSession(context, request))?.freshUntil);
}

/** Whether a form can be filled in until then. */
export function lastsForForm(freshUntil: number): boolean {
  return freshUntil - Date.now() > leftMs;
}

/**
 * Whether the reader's session is good enough for what a form asks, so that a page asks for a confirmation before somebody
 * types. The call itself decides.
 */
export async function isConfirmed(
  context: SurfaceContext,
  request: HttpRequest,
  needed: Assurance.PASSKEY | Assurance.FRESH,
): Promise<boolean> {
  const current = await currentSession(context, request);
  if (current === undefined) return false;
  if (needed === Assurance.PASSKEY) return current.assurance >= Assurance.PASSKEY;
  return lastsForForm(msOf(current.freshUntil));
}

/** In place of a form: the way to the confirmation, and back to this page. */
export function confirmFirst({ words }: View, path: string): Html {
  const { work, stepUp } = words;
  return html`<p>${work.confirmFirst}</p>
<p><a class="button" href="${withContinuation("/step-up", path)}">${stepUp.title}</a></p>`;
}
