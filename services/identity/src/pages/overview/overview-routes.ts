import type { SurfaceContext } from "@wellapi/http";
import { shownAccount } from "../account/account-view.ts";
import { readerOf } from "../record/reader.ts";
import { sendPage } from "../routes.ts";
import { type App, accountClient, call } from "../signed-in.ts";
import { viewOf } from "../view.ts";
import { overviewPage } from "./overview-page.ts";

type Query = { readonly gave?: string; readonly accepted?: string };

export function addOverview(app: App, context: SurfaceContext): void {
  app.get<{ Querystring: Query }>("/account", async (request, reply) => {
    const view = viewOf(request);
    const client = accountClient(context, request);
    const [{ account }, { passkeys }, reader] = await Promise.all([
      client.getAccount({}, call),
      client.listPasskeys({}, call),
      readerOf(context, request),
    ]);
    if (account === undefined) throw new TypeError("the answer holds no account");
    const { name, recovery, totp } = shownAccount(view, account);
    const hasPasskey = passkeys.length > 0 || totp;
    const { gave, accepted } = request.query;
    const done = gave === "1" ? "gave" : accepted === "1" ? "accepted" : undefined;
    return sendPage(reply, overviewPage(view, { name, recovery, hasPasskey, reader, done }));
  });
}
