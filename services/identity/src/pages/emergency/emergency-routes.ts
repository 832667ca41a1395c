import { createClient } from "@connectrpc/connect";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
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
import { viewOf } from "../view.ts";
import { emergencyCodePage, emergencyPage, emergencyPath } from "./emergency-pages.ts";
import { shownEmergency } from "./emergency-view.ts";

/** Enough for a page; the newest ones. */
const most = 50;

/** What holds in an emergency in the open record: who has read, the code for a card, and "not even in an emergency". */
export function addEmergency(app: App, context: SurfaceContext): void {
  const clientOf = (request: HttpRequest, { actingAs }: RecordOption) =>
    createClient(EmergencyService, context.as(request, actingAs));
  type Client = ReturnType<typeof clientOf>;

  /** A form that changes something and leads back to the page, or answers with a page of its own. */
  const onForm = (
    path: string,
    work: (client: Client, request: HttpRequest) => Promise<string | undefined>,
  ) => {
    const form = formFor(AccountService.method.listActingOptions, emergencyPath);
    app.post(`${emergencyPath}/${path}`, form, async (request, reply) => {
      const record = await recordOfForm(context, request, reply);
      if (record === undefined) return sendNotActing(request, reply);
      let code: string | undefined;
      try {
        code = await work(clientOf(request, record), request);
      } catch (error) {
        return show(context, request, reply, record, correctable(request, error));
      }
      if (code === undefined) return goOn(reply, `${emergencyPath}?saved=1`);
      return sendPage(reply, emergencyCodePage(viewOf(request), record, code));
    });
  };

  app.get(emergencyPath, async (request, reply) => {
    const { record } = await readerOf(context, request);
    return record === undefined ? goOn(reply, "/account") : show(context, request, reply, record);
  });
  onForm("end", async (client, request) => {
    await client.endEmergencyAccess({ emergencyAccess: formOf(request).text("access") ?? "none" }, call);
    return undefined;
  });
  onForm("code", async (client) => (await client.createEmergencyCode({}, call)).emergencyCode);
  onForm("code/withdraw", async (client) => void (await client.deleteEmergencyCode({}, call)));
  onForm("refuse", async (client) => void (await client.refuseEmergencyAccess({}, call)));
  onForm("allow", async (client) => void (await client.allowEmergencyAccess({}, call)));
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
  const transport = context.as(request, record.actingAs);
  const client = createClient(EmergencyService, transport);
  const [{ settings }, { emergencyAccesses }] = await Promise.all([
    client.getEmergencySettings({}, call),
    client.listEmergencyAccesses({ pageSize: most }, call),
  ]);
  const organizations = createClient(OrganizationService, transport);
  const nameOf = async (organization: string) => {
    const answer = await organizations.getOrganization({ organization }, call).catch(() => undefined);
    return answer?.organization?.displayName || organization;
  };
  const text = (time: Parameters<typeof msOf>[0]) => timeText(view, msOf(time));
  const accesses = await Promise.all(
    emergencyAccesses.map(async (one) => shownEmergency(view, one, await nameOf(one.organization))),
  );
  const page = emergencyPage(view, {
    record,
    accesses,
    refused: settings?.refuseTime && text(settings.refuseTime),
    code: settings?.codeCreateTime && text(settings.codeCreateTime),
    saved: (request.query as Query).saved === "1",
    problem,
  });
  return sendPage(reply, page, problem === undefined ? 200 : 422);
}
