import { createClient } from "@connectrpc/connect";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { Assurance } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { HttpReply, HttpRequest, SurfaceContext } from "@wellapi/http";
import { confirmFirst, isConfirmed } from "../assurance.ts";
import { formOf } from "../forms.ts";
import { officeEntriesOf } from "../navigation.ts";
import type { Page } from "../page.ts";
import { type Reader, readerOf } from "../record/reader.ts";
import { goOn, sendPage } from "../routes.ts";
import { type App, call, correctable, formFor } from "../signed-in.ts";
import { type View, viewOf } from "../view.ts";
import { addEmergencySwitch } from "./emergency-switch-routes.ts";
import {
  type OrganizationPage,
  organizationPage,
  organizationsPage,
  organizationsPath,
} from "./organization-pages.ts";

const pageSize = 200;

type Params = { readonly organization: string };
type Query = { readonly page?: string; readonly done?: string; readonly ended?: string };

export function officeBeside(request: HttpRequest, { staff }: Reader): NonNullable<Page["beside"]> {
  return { label: viewOf(request).words.overview.staffWork, entries: officeEntriesOf(staff) };
}

/** Who organizations are: the privacy officer confirms it, and takes it back. */
export function addOrganizationChecks(app: App, context: SurfaceContext): void {
  const clientOf = (request: HttpRequest) => createClient(OrganizationService, context.as(request, "staff"));
  app.get<{ Querystring: Query }>(organizationsPath, async (request, reply) => {
    const { page: pageToken = "", done } = request.query;
    const [reader, { organizations, nextPageToken }] = await Promise.all([
      readerOf(context, request),
      clientOf(request).listOrganizations({ pageSize, pageToken }, call),
    ]);
    const page = organizationsPage(viewOf(request), {
      organizations,
      next: nextPageToken,
      beside: officeBeside(request, reader),
      done: done === "confirmed" || done === "unverified" ? done : undefined,
    });
    return sendPage(reply, page);
  });
  const route = `${organizationsPath}/:organization`;
  const ofForm = formFor(AccountService.method.listActingOptions, pathOf);
  app.get(route, async (request, reply) => show(context, request, reply));
  app.post(route, ofForm, async (request, reply) => {
    const reader = await readerOf(context, request);
    const form = formOf(request);
    const asked = {
      organization: organizationOf(request),
      legalName: form.text("legal") ?? "",
      domain: form.text("domain") ?? "",
      agreements: linesOf(form.text("agreements")),
      etag: form.text("etag") ?? "",
    };
    const typed = (name: string) => form.text(name) ?? "";
    const { problem, work } = viewOf(request).words;
    if (!/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(asked.domain)) {
      const wrong = { text: problem.invalid, domain: work.domainBad, typed };
      return show(context, request, reply, reader, wrong);
    }
    try {
      await clientOf(request).verifyOrganization(asked, call);
    } catch (error) {
      return show(context, request, reply, reader, { text: correctable(request, error), typed });
    }
    return goOn(reply, `${organizationsPath}?done=confirmed`);
  });
  app.post(`${route}/unverify`, ofForm, async (request, reply) => {
    const reader = await readerOf(context, request);
    const organization = organizationOf(request);
    const etag = formOf(request).text("etag") ?? "";
    try {
      await clientOf(request).unverifyOrganization({ organization, etag }, call);
    } catch (error) {
      const text = correctable(request, error);
      return show(context, request, reply, reader, { text, typed: () => undefined });
    }
    return goOn(reply, `${organizationsPath}?done=unverified`);
  });
  const again = (request: HttpRequest, reply: HttpReply, text: string) =>
    show(context, request, reply, undefined, { text, typed: () => undefined });
  addEmergencySwitch(app, context, { route, form: ofForm, pathOf, organizationOf, again });
}

const organizationOf = (request: HttpRequest): string => (request.params as Params).organization;
const pathOf = (request: HttpRequest): string =>
  `${organizationsPath}/${encodeURIComponent(organizationOf(request))}`;

function linesOf(text = ""): string[] {
  return [...new Set(text.split("\n").map((line) => line.trim()))].filter((line) => line !== "");
}

async function show(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  known?: Reader,
  wrong?: OrganizationPage["wrong"],
): Promise<HttpReply> {
  const view = viewOf(request);
  const reader = known ?? (await readerOf(context, request));
  const client = createClient(OrganizationService, context.as(request, "staff"));
  const { organization } = await client.getOrganization({ organization: organizationOf(request) }, call);
  if (organization === undefined) throw new TypeError("the answer holds no organization");
  const confirms = reader.staff.includes("privacy_officer");
  const confirmed = await isConfirmed(context, request, Assurance.FRESH);
  const page = organizationPage(view, {
    organization,
    beside: officeBeside(request, reader),
    confirms,
    unverifies: confirms || reader.staff.includes("operator"),
    first: confirmed ? undefined : confirmFirst(view, pathOf(request)),
    done: wrong === undefined ? doneText(view, request.query as Query) : undefined,
    wrong,
  });
  return sendPage(reply, page, wrong === undefined ? 200 : 422);
}

/** What was done about emergency access. */
function doneText({ words: { emergencyWork } }: View, { done, ended }: Query): string | undefined {
  if (ended !== undefined && /^\d{1,4}$/.test(ended)) return emergencyWork.endedCount(Number(ended));
  return done === "switched" ? emergencyWork.switched : undefined;
}
