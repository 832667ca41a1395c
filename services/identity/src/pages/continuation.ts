import type { HttpRequest } from "@wellapi/http";
import { formOf } from "./forms.ts";

/** Where a sign-in may go on to: pages of ours that are known here, and nowhere else. So no redirect is open. */
const targets: readonly RegExp[] = [
  /^\/account(\/[a-z-]{1,32}){0,2}$/,
  /^\/me\/([a-z-]{1,32}(\/[\w-]{1,64})?)?$/,
  /^\/developers\/([a-z-]{1,32}(\/[\w-]{1,64})?)?$/,
  /^\/authorize\/[\w-]{1,64}$/,
  /^\/device(\?user_code=[A-Za-z0-9-]{1,32})?$/,
  /^\/invitations\/offer$/,
  /^\/organizations\/org_[\w-]{1,64}\/[a-z-]{1,32}$/,
  /^\/office(\/[a-z-]{1,32}(\/org_[\w-]{1,64})?)?$/,
];

export const home = "/account";

/** The page to go on to; the account for everything that is none of the targets. */
export function continuation(text: string | undefined): string {
  return text !== undefined && targets.some((target) => target.test(text)) ? text : home;
}

/** Where the reader wants to go on to: from the form that remembers it, or from the link that brought them. */
export function targetOf(request: HttpRequest): string {
  const { continue: linked } = request.query as { readonly continue?: string };
  return continuation(formOf(request).text("continue") ?? linked);
}

/** A path that remembers where to go on to. */
export function withContinuation(path: string, target: string): string {
  return target === home ? path : `${path}?continue=${encodeURIComponent(target)}`;
}
