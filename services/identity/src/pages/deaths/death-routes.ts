import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import {
  type DeathReport,
  DeathReport_State,
  DeathService,
} from "@wellapi/gen/wellapi/consent/v1/death_service_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { Assurance } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { HttpReply, HttpRequest, SurfaceContext } from "@wellapi/http";
import { msOf } from "../account/account-view.ts";
import { confirmFirst, isConfirmed } from "../assurance.ts";
import { type Form, formOf, requestIdIn } from "../forms.ts";
import type { Page } from "../page.ts";
import { type Reader, readerOf } from "../record/reader.ts";
import { goOn, sendPage } from "../routes.ts";
import { type App, call, correctable, formFor } from "../signed-in.ts";
import { timeText } from "../times.ts";
import { type View, viewOf } from "../view.ts";
import { deathsPage, type ShownReport, type ShownState } from "./death-pages.ts";

const pageSize = 50;

/** Who reports deaths: an organization, or the privacy officer, who decides, too. */
export interface DeathPlace {
  /** In the router. */
  readonly path: string;
  readonly pathOf: (request: HttpRequest) => string;
  readonly actingAs: (request: HttpRequest) => string;
  readonly decides: boolean;
  readonly beside: (request: HttpRequest, reader: Reader) => Page["beside"];
}

type Query = { readonly page?: string; readonly done?: string };
type Client = ReturnType<typeof createClient<typeof DeathService>>;

/** Deaths of patients: reported, seen, decided about. */
export function addDeaths(app: App, context: SurfaceContext, place: DeathPlace): void {
  const { path, pathOf, actingAs } = place;
  const ofForm = formFor(AccountService.method.listActingOptions, pathOf);
  const onForm = (name: string, done: string, act: (client: Client, form: Form) => Promise<unknown>) =>
    app.post(`${path}/${name}`, ofForm, async (request, reply) => {
      // The call by which the form was admitted.
      const reader = await readerOf(context, request);
      const client = createClient(DeathService, context.as(request, actingAs(request)));
      try {
        await act(client, formOf(request));
      } catch (error) {
        return show(context, place, request, reply, reader, correctable(request, error));
      }
      return goOn(reply, `${pathOf(request)}?done=${done}`);
    });

  app.get(path, (request, reply) => show(context, place, request, reply));
  onForm("report", "reported", (client, form) =>
    client.reportDeath(
      {
        patient: form.text("patient") ?? "none",
        dateOfDeath: form.text("date") ?? "",
        grounds: form.text("grounds") ?? "",
        requestId: requestIdIn(form),
      },
      call,
    ),
  );
  if (place.decides) {
    onForm("decide", "decided", (client, form) => {
      const decision = { deathReport: form.text("report") ?? "none", note: form.text("note") ?? "" };
      const to = form.text("to");
      if (to === "confirm") return client.confirmDeath(decision, call);
      if (to === "undo") return client.undoDeath(decision, call);
      return client.dismissDeathReport(decision, call);
    });
  }
}

async function show(
  context: SurfaceContext,
  place: DeathPlace,
  request: HttpRequest,
  reply: HttpReply,
  known?: Reader,
  problem?: string,
): Promise<HttpReply> {
  const view = viewOf(request);
  const { page: pageToken = "", done } = request.query as Query;
  const transport = context.as(request, place.actingAs(request));
  const reader = known ?? (await readerOf(context, request));
  const client = createClient(DeathService, transport);
  const { deathReports, nextPageToken } = await client.listDeathReports({ pageSize, pageToken }, call);
  const names = await namesOf(transport, deathReports);
  const confirmed = !place.decides || (await isConfirmed(context, request, Assurance.FRESH));
  const form = formOf(request);
  const path = place.pathOf(request);
  const page = deathsPage(view, {
    path,
    beside: place.beside(request, reader),
    reports: deathReports.map((one) => shownReport(view, one, names)),
    next: nextPageToken,
    decides: place.decides,
    first: confirmed ? undefined : confirmFirst(view, path),
    requestId: problem === undefined ? randomUUID() : requestIdIn(form),
    done: problem === undefined && (done === "reported" || done === "decided") ? done : undefined,
    problem,
    typed: (name) => form.text(name),
  });
  return sendPage(reply, page, problem === undefined ? 200 : 422);
}

const states: Readonly<Record<DeathReport_State, ShownState>> = {
  [DeathReport_State.UNSPECIFIED]: "dismissed",
  [DeathReport_State.REPORTED]: "reported",
  [DeathReport_State.CONFIRMED]: "confirmed",
  [DeathReport_State.DISMISSED]: "dismissed",
  [DeathReport_State.UNDONE]: "undone",
};

function shownReport(view: View, report: DeathReport, names: ReadonlyMap<string, string>): ShownReport {
  const { id, patient, organization, dateOfDeath, grounds, note, state, createTime, decideTime } = report;
  return {
    ...{ id, patient, dateOfDeath, grounds, note },
    organization: names.get(organization) ?? organization,
    state: states[state],
    reported: timeText(view, msOf(createTime)),
    decided: decideTime && timeText(view, msOf(decideTime)),
  };
}

/** Names of organizations; of one that cannot be had, its id. */
async function namesOf(
  transport: ReturnType<SurfaceContext["as"]>,
  reports: readonly DeathReport[],
): Promise<ReadonlyMap<string, string>> {
  const client = createClient(OrganizationService, transport);
  const ids = new Set(reports.map(({ organization }) => organization).filter((id) => id !== ""));
  return new Map(
    await Promise.all(
      [...ids].map(async (organization) => {
        const answer = await client.getOrganization({ organization }, call).catch(() => undefined);
        return [organization, answer?.organization?.displayName || organization] as const;
      }),
    ),
  );
}
