import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { type HttpReply, type HttpRequest, refusalOf, type SurfaceContext } from "@wellapi/http";
import { cookieOf } from "../cookies.ts";
import { formOf } from "../forms.ts";
import { forget, goOn, keep, sendPage } from "../routes.ts";
import { donePage } from "../sign-in/sign-in-pages.ts";
import { type App, accountClient, call, correctable } from "../signed-in.ts";
import { viewOf } from "../view.ts";
import { invitationCodePage, offerPage, offerPath } from "./invitation-pages.ts";
import { acceptOffer, looksLikeCode, type Offer, offerOf } from "./offers.ts";

/** Long enough to create an account meanwhile. */
const keptSeconds = 3_600;

/** For anybody: takes the code and remembers it in the browser, because its reader may have to sign in before they accept. */
export function addInvitationCode(app: App, context: SurfaceContext): void {
  app.get("/invitations", async (request, reply) => sendPage(reply, invitationCodePage(viewOf(request))));
  const look = { config: { rpc: MemberService.method.getInvitation, page: "/invitations" } };
  app.post("/invitations", look, async (request, reply) => {
    const code = formOf(request).text("invitation") ?? "";
    const view = viewOf(request);
    if (!looksLikeCode(code)) {
      return sendPage(reply, invitationCodePage(view, view.words.problem.invitationInvalid), 422);
    }
    try {
      await offerOf(context, request, code);
    } catch (error) {
      return sendPage(reply, invitationCodePage(view, correctable(request, error)), 422);
    }
    keep(reply, "invitation", code, keptSeconds);
    return goOn(reply, offerPath);
  });
}

/** For who is signed in, or about to. */
export function addInvitationOffer(app: App, context: SurfaceContext): void {
  app.get(offerPath, async (request, reply) => showOffer(context, request, reply));
  app.post("/invitations/accept", { config: { page: offerPath } }, async (request, reply) => {
    const code = cookieOf(request, "invitation");
    if (code === undefined) return goOn(reply, "/invitations");
    let patient: string | undefined;
    try {
      patient = await acceptOffer(context, request, code);
    } catch (error) {
      return showOffer(context, request, reply, correctable(request, error));
    }
    forget(reply, "invitation");
    if (patient === undefined) return goOn(reply, "/invitations/accepted");
    keep(reply, "record", patient);
    return goOn(reply, "/account?accepted=1");
  });
  app.post("/invitations/decline", { config: { page: offerPath } }, async (_request, reply) => {
    forget(reply, "invitation");
    return goOn(reply, "/invitations/declined");
  });
  app.get("/invitations/declined", async (request, reply) => {
    const { people } = viewOf(request).words;
    return sendPage(reply, donePage({ title: people.declined, lead: people.declinedLead }));
  });
  app.get("/invitations/accepted", async (request, reply) => {
    const { invitation, problem } = viewOf(request).words;
    const page = { title: invitation.done, lead: invitation.doneLead, path: "/account", label: problem.home };
    return sendPage(reply, donePage({ ...page, signedIn: true }));
  });
}

async function showOffer(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  problem?: string,
): Promise<HttpReply> {
  const code = cookieOf(request, "invitation");
  if (code === undefined) return goOn(reply, "/invitations");
  let offer: Offer;
  try {
    offer = await offerOf(context, request, code);
  } catch (error) {
    const text = problem ?? correctable(request, error);
    forget(reply, "invitation");
    return sendPage(reply, invitationCodePage(viewOf(request), text), 422);
  }
  const signedIn = await isSignedIn(context, request);
  const page = offerPage(viewOf(request), { offer, signedIn, problem });
  return sendPage(reply, page, problem === undefined ? 200 : 422);
}

async function isSignedIn(context: SurfaceContext, request: HttpRequest): Promise<boolean> {
  try {
    await accountClient(context, request).getAccount({}, call);
    return true;
  } catch (error) {
    if ([401, 403].includes(refusalOf(error).status)) return false;
    throw error;
  }
}
