import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import type { HttpReply, HttpRequest, SurfaceContext } from "@wellapi/http";
import { goOn, sendPage } from "../routes.ts";
import { donePage } from "../sign-in/sign-in-pages.ts";
import { type App, formFor } from "../signed-in.ts";
import { viewOf } from "../view.ts";
import { recordOfForm } from "./reader.ts";

/** The reader chooses whose record the pages show. */
export function addRecordChoice(app: App, context: SurfaceContext): void {
  const choose = formFor(AccountService.method.listActingOptions, "/account");
  app.post("/account/record", choose, async (request, reply) => {
    const record = await recordOfForm(context, request, reply);
    return record === undefined ? sendNotActing(request, reply) : goOn(reply, "/account");
  });
}

/** The access has ended since the page was shown: nothing was done. */
export function sendNotActing(request: HttpRequest, reply: HttpReply): HttpReply {
  const { overview, problem } = viewOf(request).words;
  const page = { title: overview.notActing, lead: overview.notActingLead, path: "/account" };
  return sendPage(reply, donePage({ ...page, label: problem.home, signedIn: true }), 403);
}
