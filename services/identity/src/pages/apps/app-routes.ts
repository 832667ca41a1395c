import { createClient } from "@connectrpc/connect";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { type Grant, Grant_Kind, GrantService } from "@wellapi/gen/wellapi/identity/v1/grant_service_pb";
import type { HttpReply, HttpRequest, SurfaceContext } from "@wellapi/http";
import { msOf } from "../account/account-view.ts";
import { formOf } from "../forms.ts";
import { type RecordOption, readerOf, recordOfForm } from "../record/reader.ts";
import { sendNotActing } from "../record/record-routes.ts";
import { goOn, sendPage } from "../routes.ts";
import { type App, call, correctable, formFor } from "../signed-in.ts";
import { timeText } from "../times.ts";
import { type View, viewOf } from "../view.ts";
import { appsPage, appsPath, type ShownApp } from "./app-pages.ts";

const pageSize = 200;

type Query = { readonly stopped?: string };

/** Applications that were connected to the open record, and where the account itself is signed in. */
export function addApps(app: App, context: SurfaceContext): void {
  app.get(appsPath, async (request, reply) => {
    const { record } = await readerOf(context, request);
    return show(context, request, reply, record);
  });
  const ofForm = formFor(AccountService.method.listActingOptions, appsPath);
  app.post(`${appsPath}/stop`, ofForm, async (request, reply) => {
    const form = formOf(request);
    const ofRecord = form.has("record");
    const record = await recordOfForm(context, request, reply);
    if (ofRecord && record === undefined) return sendNotActing(request, reply);
    try {
      await stop(context, request, record?.actingAs ?? "account", form.text("app"));
    } catch (error) {
      const open = record ?? (await readerOf(context, request)).record;
      return show(context, request, reply, open, correctable(request, error));
    }
    return goOn(reply, `${appsPath}?stopped=1`);
  });
}

/** Its consents first: once a revocation has returned nothing more is given out, whatever happens to the rest. */
async function stop(
  context: SurfaceContext,
  request: HttpRequest,
  actingAs: string,
  id: string | undefined,
): Promise<void> {
  const transport = context.as(request, actingAs);
  const grants = createClient(GrantService, transport);
  const found = (await grants.listGrants({ pageSize }, call)).grants.find((one) => one.id === id);
  // Stopped meanwhile, in another window.
  if (found === undefined) return;
  const consents = createClient(ConsentService, transport);
  for (const consent of found.consents) await consents.revokeConsent({ consent }, call);
  await grants.endGrants({ grants: [found.id] }, call);
}

async function show(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  record: RecordOption | undefined,
  problem?: string,
): Promise<HttpReply> {
  const view = viewOf(request);
  const of = async (actingAs: string) => {
    const client = createClient(GrantService, context.as(request, actingAs));
    return (await client.listGrants({ pageSize }, call)).grants.map((one) => shownApp(view, one));
  };
  const others = record !== undefined && record.as !== "self";
  const [connected, own] = await Promise.all([
    record === undefined ? [] : of(record.actingAs),
    others ? [] : of("account"),
  ]);
  const stopped = (request.query as Query).stopped === "1";
  const page = appsPage(view, { record, connected, own, stopped, problem });
  return sendPage(reply, page, problem === undefined ? 200 : 422);
}

function shownApp(view: View, grant: Grant): ShownApp {
  const { id, kind, application, applicationName, organizationName, organizationVerified } = grant;
  return {
    id,
    name: applicationName || application,
    organization: organizationName,
    verified: organizationVerified,
    ownChoice: kind === Grant_Kind.PATIENT_APP,
    since: timeText(view, msOf(grant.createTime)),
    until: timeText(view, msOf(grant.expireTime)),
  };
}
