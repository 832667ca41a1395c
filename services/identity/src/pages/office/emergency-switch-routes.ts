import { createClient, type Transport } from "@connectrpc/connect";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import type { HttpReply, HttpRequest, SurfaceContext } from "@wellapi/http";
import { formOf } from "../forms.ts";
import { readerOf } from "../record/reader.ts";
import { goOn } from "../routes.ts";
import { type App, call, correctable, type formFor } from "../signed-in.ts";

/** The page of an organization, on which the switch is. */
export interface SwitchPlace {
  readonly route: string;
  readonly form: ReturnType<typeof formFor>;
  readonly pathOf: (request: HttpRequest) => string;
  readonly organizationOf: (request: HttpRequest) => string;
  /** Shows it again, with what went wrong. */
  readonly again: (request: HttpRequest, reply: HttpReply, problem: string) => Promise<HttpReply>;
}

/** Emergency access of an organization: switched on and off, and what is open ended. */
export function addEmergencySwitch(app: App, context: SurfaceContext, place: SwitchPlace): void {
  const { route, form, pathOf, organizationOf, again } = place;
  /** `work` says what the page says then. */
  const onForm = (
    name: string,
    work: (transport: Transport, organization: string, etag: string) => Promise<string>,
  ) => {
    app.post(`${route}/emergency/${name}`, form, async (request, reply) => {
      // The call by which the form was admitted.
      await readerOf(context, request);
      const etag = formOf(request).text("etag") ?? "";
      let done: string;
      try {
        done = await work(context.as(request, "staff"), organizationOf(request), etag);
      } catch (error) {
        return again(request, reply, correctable(request, error));
      }
      return goOn(reply, `${pathOf(request)}?${done}`);
    });
  };
  onForm("on", async (transport, organization, etag) => {
    await createClient(OrganizationService, transport).enableEmergencyAccess({ organization, etag }, call);
    return "done=switched";
  });
  onForm("off", async (transport, organization, etag) => {
    await createClient(OrganizationService, transport).disableEmergencyAccess({ organization, etag }, call);
    return "done=switched";
  });
  onForm("end", async (transport, organization) => {
    // First off, whatever the page saw: one that is opened meanwhile sees it, or is among those that are ended then.
    await createClient(OrganizationService, transport).disableEmergencyAccess({ organization }, call);
    const client = createClient(EmergencyService, transport);
    const whose = { case: "organization" as const, value: organization };
    const { endedCount } = await client.endOpenEmergencyAccesses({ whose }, call);
    return `ended=${endedCount}`;
  });
}
