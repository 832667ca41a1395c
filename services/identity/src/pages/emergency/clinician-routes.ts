import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { type HttpReply, type HttpRequest, refusalOf, type SurfaceContext } from "@wellapi/http";
import { confirmFirst, freshUntilOf, lastsForForm } from "../assurance.ts";
import { type Form, formOf, requestIdIn } from "../forms.ts";
import type { Page } from "../page.ts";
import { type Reader, readerOf } from "../record/reader.ts";
import { goOn, sendPage } from "../routes.ts";
import { type App, call, correctable, formFor } from "../signed-in.ts";
import { timeText } from "../times.ts";
import { viewOf } from "../view.ts";
import { type ClinicianMistake, clinicianPage } from "./clinician-pages.ts";
import { shownEmergency } from "./emergency-view.ts";

const pageSize = 50;
const shortestReason = 10;

/** The organization whose clinicians the page is for. */
export interface ClinicianPlace {
  /** In the router. */
  readonly route: string;
  readonly pathOf: (request: HttpRequest) => string;
  readonly organizationOf: (request: HttpRequest) => string;
  readonly about: (
    request: HttpRequest,
    reader: Reader,
  ) => { readonly name: string; readonly beside: Page["beside"] };
}

/** The page on which a clinician opens emergency access. */
export function addClinicianEmergency(app: App, context: SurfaceContext, place: ClinicianPlace): void {
  const { route, pathOf } = place;
  const ofForm = formFor(AccountService.method.listActingOptions, pathOf);
  app.get(route, (request, reply) => show(context, place, request, reply));
  app.post(route, ofForm, async (request, reply) => {
    const reader = await readerOf(context, request);
    const form = formOf(request);
    const [who, reason] = [form.text("who") ?? "", form.text("reason") ?? ""];
    const { emergencyWork: words } = viewOf(request).words;
    if (who === "" || reason.length < shortestReason) {
      const wrong = {
        who: who === "" ? words.whoUnknown : undefined,
        reason: reason.length < shortestReason ? words.reasonShort : undefined,
      };
      return show(context, place, request, reply, reader, { ...wrong, typed: form.text });
    }
    try {
      const asked = { who: meant(who), reason, requestId: requestIdIn(form) };
      await clientOf(context, place, request).openEmergencyAccess(asked, call);
    } catch (error) {
      return show(context, place, request, reply, reader, mistake(request, error, form));
    }
    return goOn(reply, `${pathOf(request)}?done=opened`);
  });
  app.post(`${route}/end`, ofForm, async (request, reply) => {
    const reader = await readerOf(context, request);
    const form = formOf(request);
    try {
      const emergencyAccess = form.text("access") ?? "none";
      await clientOf(context, place, request).endEmergencyAccess({ emergencyAccess }, call);
    } catch (error) {
      const text = correctable(request, error);
      return show(context, place, request, reply, reader, { text, typed: () => undefined });
    }
    return goOn(reply, `${pathOf(request)}?done=ended`);
  });
}

function clientOf(context: SurfaceContext, { organizationOf }: ClinicianPlace, request: HttpRequest) {
  return createClient(EmergencyService, context.as(request, organizationOf(request)));
}

/** Ids of patients have their prefix; everything else is meant as a code. */
function meant(who: string) {
  return who.startsWith("pat_")
    ? { case: "patient" as const, value: who }
    : { case: "emergencyCode" as const, value: who };
}

function mistake(request: HttpRequest, error: unknown, { text: typed }: Form): ClinicianMistake {
  const { emergencyWork: words } = viewOf(request).words;
  switch (refusalOf(error).problem.reason) {
    case "NOT_FOUND":
      return { who: words.whoUnknown, typed };
    case "EMERGENCY_REFUSED":
      return { text: words.refused, typed };
    case "EMERGENCY_LIMITED":
      return { text: words.limited, typed };
    case "EMERGENCY_NOT_ENABLED":
      return { text: words.off, typed };
    default:
      return { text: correctable(request, error), typed };
  }
}

type Query = { readonly done?: string; readonly page?: string };

async function show(
  context: SurfaceContext,
  place: ClinicianPlace,
  request: HttpRequest,
  reply: HttpReply,
  known?: Reader,
  wrong?: ClinicianMistake,
): Promise<HttpReply> {
  const view = viewOf(request);
  const path = place.pathOf(request);
  const id = place.organizationOf(request);
  const { done, page: pageToken = "" } = request.query as Query;
  const reader = known ?? (await readerOf(context, request));
  const organizations = createClient(OrganizationService, context.as(request, id));
  const [{ organization }, { emergencyAccesses, nextPageToken }, freshUntil] = await Promise.all([
    organizations.getOrganization({ organization: id }, call),
    clientOf(context, place, request).listEmergencyAccesses({ pageSize, pageToken }, call),
    freshUntilOf(context, request),
  ]);
  const { name, beside } = place.about(request, reader);
  const page = clinicianPage(view, {
    path,
    organization: name,
    beside,
    on: organization?.emergencyAccessTime !== undefined,
    first: lastsForForm(freshUntil) ? undefined : confirmFirst(view, path),
    readsUntil: freshUntil > Date.now() ? timeText(view, freshUntil) : undefined,
    requestId: randomUUID(),
    accesses: emergencyAccesses.map((one) => shownEmergency(view, one, name)),
    next: nextPageToken,
    done: wrong === undefined && (done === "opened" || done === "ended") ? done : undefined,
    wrong,
  });
  return sendPage(reply, page, wrong === undefined ? 200 : 422);
}
