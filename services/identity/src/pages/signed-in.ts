import type { DescMethod } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import type { SignedIn } from "@wellapi/gen/wellapi/identity/v1/account_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import {
  type HttpReply,
  type HttpRequest,
  refusalOf,
  type Surface,
  type SurfaceContext,
} from "@wellapi/http";
import { isCorrectable, problemText } from "./problems.ts";
import { forget, keep } from "./routes.ts";
import { type PageOf, viewOf } from "./view.ts";

export type App = Parameters<Surface["mount"]>[0];

/** Of each call. */
export const call = { timeoutMs: 10_000 };

/** A flow is over after ten minutes. */
export const flowSeconds = 600;

/** What nobody has begun: the service refuses it. */
export const noFlow = "none";

/** The account of the reader, by the session that their browser shows. */
export function accountClient(context: SurfaceContext, request: HttpRequest) {
  return createClient(AccountService, context.as(request, "account"));
}

/** A form that the reader sends as their own account. */
export function formFor(rpc: DescMethod, page: PageOf) {
  return { config: { rpc, actingAs: "account", page } };
}

/** Keeps the session in the reader's browser. What was begun is over. */
export function signIn(reply: HttpReply, signedIn: SignedIn | undefined): void {
  if (signedIn === undefined) throw new TypeError("the answer holds no session");
  keep(reply, "session", signedIn.sessionSecret);
  forget(reply, "flow");
}

/**
 * The text of a problem that the reader can correct on the page. Another is thrown on: of the server, and of the session, which
 * needs another page first.
 */
export function correctable(request: HttpRequest, error: unknown): string {
  const refusal = refusalOf(error);
  if (!isCorrectable(refusal)) throw error;
  return problemText(viewOf(request), refusal);
}
