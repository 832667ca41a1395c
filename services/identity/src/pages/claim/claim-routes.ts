import { createClient } from "@connectrpc/connect";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { Assurance } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { type HttpRequest, refusalOf, type SurfaceContext } from "@wellapi/http";
import { confirmFirst, isConfirmed } from "../assurance.ts";
import { formOf } from "../forms.ts";
import { readerOf } from "../record/reader.ts";
import { goOn, keep, sendPage } from "../routes.ts";
import { donePage } from "../sign-in/sign-in-pages.ts";
import { type App, call, correctable, formFor } from "../signed-in.ts";
import { viewOf } from "../view.ts";
import { claimPage, claimPath } from "./claim-page.ts";

/** A record that a provider began becomes the reader's own, by the code that the provider gave them. */
export function addClaim(app: App, context: SurfaceContext): void {
  app.get(claimPath, async (request, reply) => {
    const view = viewOf(request);
    const has = (await readerOf(context, request)).records.some(({ as }) => as === "self");
    const confirmed = has || (await isConfirmed(context, request, Assurance.PASSKEY));
    return sendPage(
      reply,
      claimPage(view, { has, first: confirmed ? undefined : confirmFirst(view, claimPath) }),
    );
  });
  app.post(claimPath, formFor(AccountService.method.listActingOptions, claimPath), async (request, reply) => {
    const view = viewOf(request);
    // Also shows that the session holds, so that a refused code is the code's own fault.
    const has = (await readerOf(context, request)).records.some(({ as }) => as === "self");
    if (has) return sendPage(reply, claimPage(view, { has }), 422);
    const code = formOf(request).text("claim") ?? "";
    try {
      const patients = createClient(PatientService, context.as(request, "account"));
      const { patient } = await patients.claimPatient({ code }, call);
      keep(reply, "record", patient);
    } catch (error) {
      return sendPage(reply, claimPage(view, { has: false, wrong: problemOf(request, error) }), 422);
    }
    return goOn(reply, "/account/claimed");
  });
  app.get("/account/claimed", async (request, reply) => {
    const { people, problem } = viewOf(request).words;
    const page = { title: people.claimed, lead: people.claimedLead, path: "/account", label: problem.home };
    return sendPage(reply, donePage({ ...page, signedIn: true }));
  });
}

function problemOf(request: HttpRequest, error: unknown): string {
  const { reason } = refusalOf(error).problem;
  const { people } = viewOf(request).words;
  return reason === "CREDENTIAL_INVALID" || reason === "INVALID_FIELD"
    ? people.claimWrong
    : correctable(request, error);
}
