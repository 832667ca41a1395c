import { createClient } from "@connectrpc/connect";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { SignInService } from "@wellapi/gen/wellapi/identity/v1/sign_in_service_pb";
import type { HttpReply, HttpRequest, SurfaceContext } from "@wellapi/http";
import { targetOf, withContinuation } from "../continuation.ts";
import { cookieOf } from "../cookies.ts";
import { type Form, formOf } from "../forms.ts";
import { addInvitationCode } from "../invitations/invitation-routes.ts";
import { goOn, keep, sendPage } from "../routes.ts";
import { type App, call, correctable, flowSeconds, noFlow, signIn } from "../signed-in.ts";
import { timeText } from "../times.ts";
import { viewOf } from "../view.ts";
import {
  codePage,
  detailsPage,
  donePage,
  mailboxPage,
  registerPage,
  signInPage,
  stopPage,
} from "./sign-in-pages.ts";

/** The page of a form, with where it goes on to. */
const on = (path: string) => (request: HttpRequest) => withContinuation(path, targetOf(request));

/** Every page for those who are not signed in. */
export function addSignInPages(app: App, context: SurfaceContext): void {
  addSignIn(app, context);
  addCode(app, context);
  addRegistration(app, context);
  addRecovery(app, context);
  addInvitationCode(app, context);
  addMailbox(app, context);
}

const methods = SignInService.method;

function clientOf(context: SurfaceContext, request: HttpRequest) {
  return createClient(SignInService, context.asAnyone(request));
}

function addSignIn(app: App, context: SurfaceContext): void {
  app.get("/sign-in", async (request, reply) =>
    sendPage(reply, signInPage(viewOf(request), targetOf(request))),
  );
  const email = { config: { rpc: methods.sendCode, page: on("/sign-in") } };
  app.post("/sign-in", email, async (request, reply) => {
    const view = viewOf(request);
    const target = targetOf(request);
    const wrong = await sendCode(context, request, reply);
    if (wrong !== undefined) return sendPage(reply, signInPage(view, target, wrong), 422);
    return goOn(reply, withContinuation("/sign-in/code", target));
  });
  app.post("/sign-in/passkey/options", { config: { rpc: methods.beginSignIn } }, async (request, reply) => {
    const { flow, options } = await clientOf(context, request).beginSignIn({}, call);
    keep(reply, "flow", flow, flowSeconds);
    return reply.type("application/json").send(options);
  });
  const passkey = { config: { rpc: methods.finishSignIn, page: on("/sign-in") } };
  app.post("/sign-in/passkey", passkey, async (request, reply) => {
    const view = viewOf(request);
    const target = targetOf(request);
    const answer = formOf(request).text("passkey");
    try {
      const flow = cookieOf(request, "flow") ?? noFlow;
      const { signedIn } = await clientOf(context, request).finishSignIn({ flow, passkey: answer }, call);
      signIn(reply, signedIn);
    } catch (error) {
      const text = correctable(request, error);
      return sendPage(reply, signInPage(view, target, { text, passkey: true }), 422);
    }
    return goOn(reply, target);
  });
}

/** Sends the code; what is wrong with the form, if something is. */
async function sendCode(context: SurfaceContext, request: HttpRequest, reply: HttpReply) {
  const view = viewOf(request);
  const email = formOf(request).text("email") ?? "";
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) return { email, text: view.words.problem.emailBad };
  try {
    const { flow } = await clientOf(context, request).sendCode({ email, language: view.language }, call);
    keep(reply, "flow", flow, flowSeconds);
    return undefined;
  } catch (error) {
    return { email, text: correctable(request, error) };
  }
}

function addCode(app: App, context: SurfaceContext): void {
  const page = async (request: HttpRequest, reply: HttpReply, text?: string) => {
    const mailbox = await hasMailbox(context, request);
    const wrong = text === undefined ? undefined : { text };
    const status = wrong === undefined ? 200 : 422;
    return sendPage(reply, codePage(viewOf(request), { target: targetOf(request), mailbox, wrong }), status);
  };
  app.get("/sign-in/code", async (request, reply) => {
    if (cookieOf(request, "flow") === undefined)
      return goOn(reply, withContinuation("/sign-in", targetOf(request)));
    return page(request, reply);
  });
  const verify = { config: { rpc: methods.verifyCode, page: on("/sign-in/code") } };
  app.post("/sign-in/code", verify, async (request, reply) => {
    const target = targetOf(request);
    const flow = cookieOf(request, "flow");
    if (flow === undefined) return goOn(reply, withContinuation("/sign-in", target));
    const code = formOf(request).text("code") ?? "0";
    let outcome: Awaited<ReturnType<ReturnType<typeof clientOf>["verifyCode"]>>["outcome"];
    try {
      ({ outcome } = await clientOf(context, request).verifyCode({ flow, code }, call));
    } catch (error) {
      return page(request, reply, correctable(request, error));
    }
    if (outcome.case === "signedIn") {
      signIn(reply, outcome.value);
      return goOn(reply, target);
    }
    if (outcome.case !== "verifiedAddress") throw new TypeError("the answer holds no outcome");
    keep(reply, "flow", outcome.value.flow, flowSeconds);
    return goOn(reply, withContinuation("/register/details", target));
  });
}

/** Whether the mail lies in a mailbox that everybody can read: a sandbox's. */
async function hasMailbox(context: SurfaceContext, request: HttpRequest): Promise<boolean> {
  try {
    await createClient(SandboxService, context.asAnyone(request)).listMail({ email: "nobody@invalid" }, call);
    return true;
  } catch {
    return false;
  }
}

function addRegistration(app: App, context: SurfaceContext): void {
  app.get("/register", async (request, reply) =>
    sendPage(reply, registerPage(viewOf(request), targetOf(request))),
  );
  app.post(
    "/register",
    { config: { rpc: methods.sendCode, page: on("/register") } },
    async (request, reply) => {
      const target = targetOf(request);
      const wrong = await sendCode(context, request, reply);
      if (wrong !== undefined) return sendPage(reply, registerPage(viewOf(request), target, wrong), 422);
      return goOn(reply, withContinuation("/sign-in/code", target));
    },
  );
  app.get("/register/details", async (request, reply) => {
    const target = targetOf(request);
    if (cookieOf(request, "flow") === undefined) return goOn(reply, withContinuation("/register", target));
    return sendPage(reply, detailsPage(viewOf(request), target));
  });
  app.post("/register/options", { config: { rpc: methods.beginRegistration } }, async (request, reply) => {
    const flow = cookieOf(request, "flow") ?? noFlow;
    const displayName = formOf(request).text("name");
    const { options } = await clientOf(context, request).beginRegistration({ flow, displayName }, call);
    return reply.type("application/json").send(options);
  });
  const details = { config: { rpc: methods.finishRegistration, page: on("/register/details") } };
  app.post("/register/details", details, async (request, reply) => {
    const view = viewOf(request);
    const target = targetOf(request);
    const form = formOf(request);
    try {
      const { signedIn } = await clientOf(context, request).finishRegistration(
        { ...registrationOf(form), language: view.language, flow: cookieOf(request, "flow") ?? noFlow },
        call,
      );
      signIn(reply, signedIn);
    } catch (error) {
      const text = correctable(request, error);
      const wrong = { text, name: form.text("name"), zone: form.text("zone") };
      return sendPage(reply, detailsPage(view, target, wrong), 422);
    }
    return goOn(reply, target);
  });
}

function registrationOf(form: Form) {
  return {
    displayName: form.text("name") ?? "",
    timeZone: form.text("zone") ?? "",
    withoutPatient: form.has("staff"),
    passkey: form.text("passkey") ?? "",
  };
}

function addRecovery(app: App, context: SurfaceContext): void {
  app.get("/recovery/stop", async (request, reply) => sendPage(reply, stopPage(viewOf(request))));
  const stop = { config: { rpc: methods.stopRecovery, page: "/recovery/stop" } };
  app.post("/recovery/stop", stop, async (request, reply) => {
    const view = viewOf(request);
    try {
      await clientOf(context, request).stopRecovery({ stop: formOf(request).text("stop") ?? noFlow }, call);
    } catch (error) {
      return sendPage(reply, stopPage(view, { text: correctable(request, error) }), 422);
    }
    return goOn(reply, "/recovery/stopped");
  });
  app.get("/recovery/stopped", async (request, reply) => {
    const { stop, problem } = viewOf(request).words;
    const page = { title: stop.done, lead: stop.doneLead, path: "/account", label: problem.home };
    return sendPage(reply, donePage(page));
  });
}

function addMailbox(app: App, context: SurfaceContext): void {
  app.get("/mailbox", async (request, reply) => {
    const view = viewOf(request);
    const { mail } = await createClient(SandboxService, context.asAnyone(request)).listMail({}, call);
    const mails = mail.map(({ createTime, ...one }) => ({
      ...one,
      time: timeText(view, Number(createTime?.seconds ?? 0n) * 1_000),
    }));
    return sendPage(reply, mailboxPage(view, mails));
  });
}
