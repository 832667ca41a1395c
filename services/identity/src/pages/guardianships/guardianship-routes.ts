import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { GuardianshipService } from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { Assurance } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { type HttpReply, type HttpRequest, refusalOf, type SurfaceContext } from "@wellapi/http";
import { confirmFirst, isConfirmed } from "../assurance.ts";
import { dayAfter, formOf, requestIdIn } from "../forms.ts";
import { shownDelegation } from "../people/people-view.ts";
import { goOn, sendPage } from "../routes.ts";
import { type App, call, correctable, formFor } from "../signed-in.ts";
import { viewOf } from "../view.ts";
import { askPage, guardianCodePage, guardianshipsPage, guardianshipsPath } from "./guardianship-pages.ts";
import { shownPetition } from "./petition-view.ts";

/** As many as a person can reasonably have, those that are over included. */
const most = 1_000;

type Query = { readonly done?: string };

const { listActingOptions } = AccountService.method;

/** The reader as a guardian: of whom they are one, and how they ask to become one. */
export function addGuardianships(app: App, context: SurfaceContext): void {
  app.get(guardianshipsPath, async (request, reply) => show(context, request, reply));
  const path = `${guardianshipsPath}/ask`;
  app.get(path, async (request, reply) => {
    const view = viewOf(request);
    const confirmed = await isConfirmed(context, request, Assurance.PASSKEY);
    return sendPage(
      reply,
      guardianCodePage(view, { first: confirmed ? undefined : confirmFirst(view, path) }),
    );
  });
  app.post(`${guardianshipsPath}/code`, formFor(listActingOptions, path), async (request, reply) =>
    showForm(context, request, reply),
  );
  app.post(path, formFor(listActingOptions, path), async (request, reply) => {
    try {
      await clientOf(context, request).createPetition(petitionIn(request), call);
    } catch (error) {
      return showForm(context, request, reply, error);
    }
    return goOn(reply, `${guardianshipsPath}?done=sent`);
  });
  const ofList = formFor(listActingOptions, guardianshipsPath);
  app.post(`${guardianshipsPath}/withdraw`, ofList, async (request, reply) => {
    const petition = formOf(request).text("petition") ?? "none";
    try {
      await clientOf(context, request).withdrawPetition({ petition }, call);
    } catch (error) {
      return show(context, request, reply, correctable(request, error));
    }
    return goOn(reply, `${guardianshipsPath}?done=withdrawn`);
  });
}

function clientOf(context: SurfaceContext, request: HttpRequest) {
  return createClient(GuardianshipService, context.as(request, "account"));
}

function petitionIn(request: HttpRequest) {
  const form = formOf(request);
  const end = dayAfter(form, "end");
  return {
    code: form.text("claim") ?? "none",
    displayName: form.text("name") ?? "",
    patientName: form.text("patient-name") ?? "",
    grounds: form.text("grounds") ?? "",
    birthDate: form.text("birth") ?? "",
    ...(end !== undefined && { groundsEndTime: end }),
    requestId: requestIdIn(form),
  };
}

async function show(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  problem?: string,
): Promise<HttpReply> {
  const view = viewOf(request);
  const client = clientOf(context, request);
  const [{ guardianships }, { petitions }] = await Promise.all([
    client.listGuardianships({ pageSize: most }, call),
    client.listPetitions({ pageSize: most }, call),
  ]);
  const { done } = request.query as Query;
  const page = guardianshipsPage(view, {
    own: guardianships.flatMap(({ delegation, patientName }) =>
      delegation === undefined
        ? []
        : { delegation: shownDelegation(view, delegation, Date.now()), name: patientName },
    ),
    petitions: petitions.map((one) => shownPetition(view, one)).toReversed(),
    done: done === "sent" || done === "withdrawn" ? done : undefined,
    problem,
  });
  return sendPage(reply, page, problem === undefined ? 200 : 422);
}

/** The form for the code that was typed, with what was wrong with it; or the code's own form, where that does not hold. */
async function showForm(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  error?: unknown,
): Promise<HttpReply> {
  const view = viewOf(request);
  const form = formOf(request);
  const problem = error === undefined ? undefined : correctable(request, error);
  const code = form.text("claim") ?? "none";
  try {
    const { organization, organizationName } = await clientOf(context, request).getGuardianCode(
      { code },
      call,
    );
    const page = askPage(view, {
      code,
      checker: organizationName || organization || view.words.guardianship.officer,
      requestId: form.has("request") ? requestIdIn(form) : randomUUID(),
      problem,
      typed: (name) => form.text(name),
    });
    return sendPage(reply, page, problem === undefined ? 200 : 422);
  } catch (refused) {
    const wrong =
      refusalOf(refused).problem.reason === "INVALID_FIELD"
        ? view.words.problem.guardianCodeInvalid
        : correctable(request, refused);
    return sendPage(reply, guardianCodePage(view, { wrong: problem ?? wrong }), 422);
  }
}
