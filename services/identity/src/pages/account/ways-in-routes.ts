import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import type { HttpRequest, SurfaceContext } from "@wellapi/http";
import { home, targetOf, withContinuation } from "../continuation.ts";
import { cookieOf } from "../cookies.ts";
import { formOf } from "../forms.ts";
import { forget, goOn, keep, sendPage } from "../routes.ts";
import {
  type App,
  accountClient,
  call,
  correctable,
  flowSeconds,
  formFor,
  noFlow,
  signIn,
} from "../signed-in.ts";
import { viewOf } from "../view.ts";
import { addPasskeyPage, appPage, emailCodePage, emailPage, recoveryCodesPage } from "./account-pages.ts";

const { method } = AccountService;

/** What changes the ways into the account: passkeys, the authenticator app, recovery codes, the e-mail address. */
export function addWaysIn(app: App, context: SurfaceContext): void {
  addPasskeys(app, context);
  addApp(app, context);
  addEmail(app, context);
  app.post("/account/recovery-codes", { config: { page: "/account/security" } }, async (request, reply) => {
    const { codes } = await accountClient(context, request).createRecoveryCodes({}, call);
    return sendPage(reply, recoveryCodesPage(viewOf(request), codes));
  });
}

function addPasskeys(app: App, context: SurfaceContext): void {
  app.get("/account/passkey", async (request, reply) => {
    await accountClient(context, request).getAccount({}, call); // Only for who is signed in.
    return sendPage(reply, addPasskeyPage(viewOf(request), targetOf(request)));
  });
  const options = formFor(method.beginPasskey, "/account/passkey");
  app.post("/account/passkey/options", options, async (request, reply) => {
    const { flow, options } = await accountClient(context, request).beginPasskey({}, call);
    keep(reply, "flow", flow, flowSeconds);
    return reply.type("application/json").send(options);
  });
  const page = (request: HttpRequest) => withContinuation("/account/passkey", targetOf(request));
  const passkey = formFor(method.finishPasskey, page);
  app.post("/account/passkey", passkey, async (request, reply) => {
    const form = formOf(request);
    try {
      const { signedIn } = await accountClient(context, request).finishPasskey(
        {
          flow: cookieOf(request, "flow") ?? noFlow,
          passkey: form.text("passkey"),
          displayName: form.text("name"),
        },
        call,
      );
      signIn(reply, signedIn);
    } catch (error) {
      const problem = correctable(request, error);
      return sendPage(reply, addPasskeyPage(viewOf(request), targetOf(request), problem), 422);
    }
    const target = targetOf(request);
    return goOn(reply, target === home ? "/account/security?saved=1" : target);
  });
}

function addApp(app: App, context: SurfaceContext): void {
  app.post("/account/app/start", { config: { page: "/account/security" } }, async (request, reply) => {
    const { flow, uri, secret } = await accountClient(context, request).beginTotp({}, call);
    keep(reply, "flow", flow, flowSeconds);
    return sendPage(reply, appPage(viewOf(request), { uri, secret }));
  });
  app.post("/account/app", formFor(method.finishTotp, "/account/security"), async (request, reply) => {
    const form = formOf(request);
    const flow = cookieOf(request, "flow") ?? noFlow;
    try {
      const { signedIn } = await accountClient(context, request).finishTotp(
        { flow, code: form.text("code") },
        call,
      );
      signIn(reply, signedIn);
    } catch (error) {
      const text = correctable(request, error);
      const [uri = "", secret = ""] = [form.text("uri"), form.text("secret")];
      if (!uri.startsWith("otpauth://totp/")) throw error;
      return sendPage(reply, appPage(viewOf(request), { uri, secret }, text), 422);
    }
    return goOn(reply, "/account/security?saved=1");
  });
}

function addEmail(app: App, context: SurfaceContext): void {
  app.get("/account/email", async (request, reply) => {
    await accountClient(context, request).getAccount({}, call);
    return sendPage(reply, emailPage(viewOf(request)));
  });
  app.post("/account/email", formFor(method.beginEmailChange, "/account/email"), async (request, reply) => {
    const view = viewOf(request);
    const email = formOf(request).text("email") ?? "";
    try {
      const { flow } = await accountClient(context, request).beginEmailChange({ email }, call);
      keep(reply, "flow", flow, flowSeconds);
    } catch (error) {
      return sendPage(reply, emailPage(view, { email, text: correctable(request, error) }), 422);
    }
    return goOn(reply, "/account/email/code");
  });
  app.get("/account/email/code", async (request, reply) =>
    cookieOf(request, "flow") === undefined
      ? goOn(reply, "/account/email")
      : sendPage(reply, emailCodePage(viewOf(request))),
  );
  const code = formFor(method.finishEmailChange, "/account/email/code");
  app.post("/account/email/code", code, async (request, reply) => {
    const flow = cookieOf(request, "flow") ?? noFlow;
    try {
      await accountClient(context, request).finishEmailChange(
        { flow, code: formOf(request).text("code") },
        call,
      );
      forget(reply, "flow");
    } catch (error) {
      return sendPage(reply, emailCodePage(viewOf(request), correctable(request, error)), 422);
    }
    return goOn(reply, "/account/security?saved=1");
  });
}
