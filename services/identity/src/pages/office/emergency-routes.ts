import { createClient } from "@connectrpc/connect";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import type { HttpReply, HttpRequest, SurfaceContext } from "@wellapi/http";
import { shownEmergency } from "../emergency/emergency-view.ts";
import { formOf } from "../forms.ts";
import { readerOf } from "../record/reader.ts";
import { goOn, sendPage } from "../routes.ts";
import { type App, call, correctable, formFor } from "../signed-in.ts";
import { viewOf } from "../view.ts";
import { emergenciesPage, emergenciesPath } from "./emergency-pages.ts";
import { officeBeside } from "./organization-routes.ts";

const pageSize = 50;

type Query = { readonly page?: string; readonly done?: string };

/** Who has read without a consent, for the privacy officer, who can end it. */
export function addEmergencies(app: App, context: SurfaceContext): void {
  app.get(emergenciesPath, (request, reply) => show(context, request, reply));
  const form = formFor(AccountService.method.listActingOptions, emergenciesPath);
  app.post(`${emergenciesPath}/end`, form, async (request, reply) => {
    // The call by which the form was admitted.
    await readerOf(context, request);
    const emergencyAccess = formOf(request).text("access") ?? "none";
    const client = createClient(EmergencyService, context.as(request, "staff"));
    try {
      await client.endEmergencyAccess({ emergencyAccess }, call);
    } catch (error) {
      return show(context, request, reply, correctable(request, error));
    }
    return goOn(reply, `${emergenciesPath}?done=ended`);
  });
}

async function show(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  problem?: string,
): Promise<HttpReply> {
  const view = viewOf(request);
  const { page: pageToken = "", done } = request.query as Query;
  const transport = context.as(request, "staff");
  const [reader, { emergencyAccesses, nextPageToken }] = await Promise.all([
    readerOf(context, request),
    createClient(EmergencyService, transport).listEmergencyAccesses({ pageSize, pageToken }, call),
  ]);
  const nameOf = await namesOf(transport, new Set(emergencyAccesses.map((one) => one.organization)));
  const page = emergenciesPage(view, {
    accesses: emergencyAccesses.map((one) => shownEmergency(view, one, nameOf(one.organization))),
    next: nextPageToken,
    beside: officeBeside(request, reader),
    ended: problem === undefined && done === "ended",
    problem,
  });
  return sendPage(reply, page, problem === undefined ? 200 : 422);
}

/** Names of organizations; of one that cannot be had, its id. */
async function namesOf(
  transport: ReturnType<SurfaceContext["as"]>,
  ids: ReadonlySet<string>,
): Promise<(organization: string) => string> {
  const client = createClient(OrganizationService, transport);
  const found = await Promise.all(
    [...ids].map(async (organization) => {
      const answer = await client.getOrganization({ organization }, call).catch(() => undefined);
      return [organization, answer?.organization?.displayName || organization] as const;
    }),
  );
  const names = new Map(found);
  return (organization) => names.get(organization) ?? organization;
}
