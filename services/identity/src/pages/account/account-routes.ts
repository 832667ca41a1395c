import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { type HttpReply, type HttpRequest, languageSeconds, type SurfaceContext } from "@wellapi/http";
import { setCookie } from "../cookies.ts";
import { formOf } from "../forms.ts";
import { languageOf } from "../language.ts";
import { forget, goOn, sendPage } from "../routes.ts";
import { type App, accountClient, call, correctable, formFor } from "../signed-in.ts";
import { viewOf } from "../view.ts";
import { securityPage } from "./account-pages.ts";
import { shownAccount, shownPasskey, shownSession } from "./account-view.ts";

const { method } = AccountService;

const here = "/account/security";

/** The account as it is, and the small changes that are made on its page. */
export function addAccount(app: App, context: SurfaceContext): void {
  app.get(here, async (request, reply) => showAccount(context, request, reply));
  app.post("/account/profile", formFor(method.updateAccount, here), async (request, reply) => {
    const form = formOf(request);
    const language = languageOf(form.text("language")) ?? viewOf(request).language;
    const account = { displayName: form.text("name") ?? "", language, etag: form.text("etag") ?? "" };
    const updateMask = { paths: ["display_name", "language"] };
    return changed(context, request, reply, async (client) => {
      await client.updateAccount({ account, updateMask }, call);
      reply.header("set-cookie", setCookie("language", language, languageSeconds));
    });
  });
  app.post("/account/passkey/remove", formFor(method.removePasskey, here), (request, reply) =>
    changed(context, request, reply, (client) =>
      client.removePasskey({ passkey: formOf(request).text("passkey") }, call),
    ),
  );
  app.post("/account/app/remove", { config: { page: here } }, (request, reply) =>
    changed(context, request, reply, (client) => client.removeTotp({}, call)),
  );
  app.post("/account/recovery/start", { config: { page: here } }, (request, reply) =>
    changed(context, request, reply, (client) => client.startRecovery({}, call)),
  );
  app.post("/account/recovery/cancel", { config: { page: here } }, (request, reply) =>
    changed(context, request, reply, (client) => client.cancelRecovery({}, call)),
  );
  app.post("/account/sessions/end", formFor(method.endSessions, here), (request, reply) =>
    changed(context, request, reply, (client) => {
      const form = formOf(request);
      return client.endSessions(
        { sessions: form.all("session").slice(0, 100), others: form.has("others") },
        call,
      );
    }),
  );
  app.post("/account/sign-out", { config: { page: here } }, async (request, reply) => {
    await accountClient(context, request).endSessions({ current: true }, call);
    forget(reply, "session");
    forget(reply, "record");
    return goOn(reply, "/sign-in");
  });
}

type Query = { readonly saved?: string };

async function showAccount(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  problem?: string,
): Promise<HttpReply> {
  const view = viewOf(request);
  const client = accountClient(context, request);
  const [{ account }, { passkeys }, { sessions }] = await Promise.all([
    client.getAccount({}, call),
    client.listPasskeys({}, call),
    client.listSessions({}, call),
  ]);
  if (account === undefined) throw new TypeError("the answer holds no account");
  const page = securityPage(view, {
    account: shownAccount(view, account),
    passkeys: passkeys.map((one) => shownPasskey(view, one)),
    sessions: sessions.map((one) => shownSession(view, one)),
    saved: (request.query as Query).saved === "1",
    problem,
  });
  return sendPage(reply, page, problem === undefined ? 200 : 422);
}

/** Makes the change and shows the account: with the problem, where the reader can do something about it. */
async function changed(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  change: (client: ReturnType<typeof accountClient>) => Promise<unknown>,
): Promise<HttpReply> {
  try {
    await change(accountClient(context, request));
  } catch (error) {
    return showAccount(context, request, reply, correctable(request, error));
  }
  return goOn(reply, `${here}?saved=1`);
}
