import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import type { HttpReply, HttpRequest, SurfaceContext } from "@wellapi/http";
import { targetOf, withContinuation } from "../continuation.ts";
import { cookieOf } from "../cookies.ts";
import { formOf } from "../forms.ts";
import { goOn, keep, sendPage } from "../routes.ts";
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
import { stepUpPage } from "./account-pages.ts";

const { method } = AccountService;

const page = (request: HttpRequest) => withContinuation("/step-up", targetOf(request));

/** The reader proves once more who they are, and goes on to where they were. */
export function addStepUp(app: App, context: SurfaceContext): void {
  app.get("/step-up", async (request, reply) => show(context, request, reply));
  app.post("/step-up/options", formFor(method.beginStepUp, page), async (request, reply) => {
    const { flow, options } = await accountClient(context, request).beginStepUp({}, call);
    keep(reply, "flow", flow, flowSeconds);
    return reply.type("application/json").send(options);
  });
  app.post("/step-up", formFor(method.finishStepUp, page), async (request, reply) => {
    const proof = { case: "passkey" as const, value: formOf(request).text("passkey") ?? "" };
    const flow = cookieOf(request, "flow") ?? noFlow;
    return finish(context, request, reply, async () => ({ flow, proof }));
  });
  app.post("/step-up/code", formFor(method.finishStepUp, page), async (request, reply) => {
    const form = formOf(request);
    const proof =
      form.text("kind") === "totp"
        ? { case: "totp" as const, value: form.text("totp") ?? "" }
        : { case: "recoveryCode" as const, value: form.text("recovery") ?? "" };
    return finish(context, request, reply, async () => {
      const { flow } = await accountClient(context, request).beginStepUp({}, call);
      return { flow, proof };
    });
  });
}

type Finish = Parameters<ReturnType<typeof accountClient>["finishStepUp"]>[0];

async function finish(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  asked: () => Promise<Finish>,
): Promise<HttpReply> {
  try {
    const { signedIn } = await accountClient(context, request).finishStepUp(await asked(), call);
    signIn(reply, signedIn);
  } catch (error) {
    return show(context, request, reply, correctable(request, error));
  }
  return goOn(reply, targetOf(request));
}

async function show(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  problem?: string,
): Promise<HttpReply> {
  const client = accountClient(context, request);
  const [{ account }, { passkeys }] = await Promise.all([
    client.getAccount({}, call),
    client.listPasskeys({}, call),
  ]);
  const ways = {
    target: targetOf(request),
    passkey: passkeys.length > 0,
    totp: account?.totp === true,
    recoveryCode: (account?.recoveryCodes ?? 0) > 0,
    problem,
  };
  return sendPage(reply, stepUpPage(viewOf(request), ways), problem === undefined ? 200 : 422);
}
