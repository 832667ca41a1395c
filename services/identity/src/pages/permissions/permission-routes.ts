import { createClient } from "@connectrpc/connect";
import { type Consent, Consent_State, DeIdentification } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import type { HttpReply, HttpRequest, SurfaceContext } from "@wellapi/http";
import { msOf } from "../account/account-view.ts";
import { formOf } from "../forms.ts";
import { type RecordOption, readerOf, recordOfForm } from "../record/reader.ts";
import { sendNotActing } from "../record/record-routes.ts";
import { goOn, sendPage } from "../routes.ts";
import { type App, call, correctable, formFor } from "../signed-in.ts";
import { timeText } from "../times.ts";
import { type View, viewOf } from "../view.ts";
import { permissionsPage, type ShownPermission } from "./permission-pages.ts";

const path = "/account/permissions";

/** Enough for a page; the newest ones. */
const most = 100;

/** What is permitted in the open record, and a way to take each back. */
export function addPermissions(app: App, context: SurfaceContext): void {
  app.get(path, async (request, reply) => {
    const { record } = await readerOf(context, request);
    return record === undefined ? goOn(reply, "/account") : show(context, request, reply, record);
  });
  const revoke = formFor(AccountService.method.listActingOptions, path);
  app.post(`${path}/revoke`, revoke, async (request, reply) => {
    const record = await recordOfForm(context, request, reply);
    if (record === undefined) return sendNotActing(request, reply);
    const consent = formOf(request).text("consent") ?? "none";
    try {
      const consents = createClient(ConsentService, context.as(request, record.actingAs));
      await consents.revokeConsent({ consent }, call);
    } catch (error) {
      return show(context, request, reply, record, correctable(request, error));
    }
    return goOn(reply, `${path}?saved=1`);
  });
}

type Query = { readonly saved?: string };

async function show(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  record: RecordOption,
  problem?: string,
): Promise<HttpReply> {
  const view = viewOf(request);
  const permissions = await permissionsOf(context, request, record.actingAs);
  const saved = (request.query as Query).saved === "1";
  const page = permissionsPage(view, { record, permissions, saved, problem });
  return sendPage(reply, page, problem === undefined ? 200 : 422);
}

async function permissionsOf(
  context: SurfaceContext,
  request: HttpRequest,
  patient: string,
): Promise<readonly ShownPermission[]> {
  const view = viewOf(request);
  const transport = context.as(request, patient);
  const states = [Consent_State.ACTIVE, Consent_State.SCHEDULED];
  const { consents } = await createClient(ConsentService, transport).listConsents(
    { pageSize: most, states },
    call,
  );
  const organizations = createClient(OrganizationService, transport);
  const grantees = [...new Set(consents.map(({ grantee }) => grantee))];
  const names = new Map(
    await Promise.all(
      grantees.map(async (organization) => {
        const answer = await organizations.getOrganization({ organization }, call).catch(() => undefined);
        return [organization, answer?.organization?.displayName || organization] as const;
      }),
    ),
  );
  return consents.map((consent) => shownPermission(view, consent, names.get(consent.grantee)!));
}

function shownPermission(view: View, consent: Consent, name: string): ShownPermission {
  const { id, provisions, createTime, validity } = consent;
  return {
    id,
    name,
    since: timeText(view, msOf(createTime)),
    until: validity?.endTime && timeText(view, msOf(validity.endTime)),
    provisions: provisions.map(({ effect, directions, categories, deIdentification, sources, masks }) => ({
      effect,
      deIdentified: deIdentification !== DeIdentification.UNSPECIFIED,
      someSources: sources !== undefined,
      masked: masks.length > 0,
      directions,
      categories: categories.map((category) => category.name),
    })),
  };
}
