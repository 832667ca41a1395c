import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { type Delegation, DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { GuardianshipService, type Petition } from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { Assurance } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { HttpReply, HttpRequest, SurfaceContext } from "@wellapi/http";
import { confirmFirst, isConfirmed } from "../assurance.ts";
import { formOf, requestIdIn } from "../forms.ts";
import { shownPetition } from "../guardianships/petition-view.ts";
import type { Html } from "../html.ts";
import { languageOf } from "../language.ts";
import type { Page } from "../page.ts";
import { type RecordOption, readerOf, recordOfForm } from "../record/reader.ts";
import { sendNotActing } from "../record/record-routes.ts";
import { forget, goOn, sendPage } from "../routes.ts";
import { type App, accountClient, call, correctable, formFor } from "../signed-in.ts";
import { type View, viewOf } from "../view.ts";
import {
  bringInPage,
  guardianCodePath,
  invitePage,
  mayBringIn,
  peoplePage,
  peoplePath,
} from "./people-pages.ts";
import { shownDelegation } from "./people-view.ts";

/** As many as a record can have, those that are over included. */
const most = 1_000;

type Query = { readonly done?: string };

const { listActingOptions } = AccountService.method;

/** Carers and guardians of the open record: named, seen, taken back, given up. */
export function addPeople(app: App, context: SurfaceContext): void {
  app.get(peoplePath, async (request, reply) => {
    const { record } = await readerOf(context, request);
    return record === undefined ? goOn(reply, "/account") : show(context, request, reply, record);
  });
  addInvite(app, context);
  addBringIn(app, context);
  const ofForm = formFor(listActingOptions, peoplePath);
  app.post(`${peoplePath}/end`, ofForm, async (request, reply) => {
    const record = await recordOfForm(context, request, reply);
    if (record === undefined) return sendNotActing(request, reply);
    try {
      const delegations = createClient(DelegationService, context.as(request, record.actingAs));
      await delegations.endDelegation({ delegation: delegationIn(request) }, call);
    } catch (error) {
      return show(context, request, reply, record, correctable(request, error));
    }
    return goOn(reply, `${peoplePath}?done=ended`);
  });
  app.post(`${peoplePath}/dispute`, ofForm, async (request, reply) => {
    const record = await recordOfForm(context, request, reply);
    if (record === undefined) return sendNotActing(request, reply);
    try {
      const client = createClient(GuardianshipService, context.as(request, record.actingAs));
      const reason = formOf(request).text("reason") ?? "";
      await client.disputeGuardian({ delegation: delegationIn(request), reason }, call);
    } catch (error) {
      return show(context, request, reply, record, correctable(request, error));
    }
    return goOn(reply, `${peoplePath}?done=disputed`);
  });
  app.post(`${peoplePath}/give-up`, ofForm, async (request, reply) => {
    const record = await recordOfForm(context, request, reply);
    if (record === undefined) return sendNotActing(request, reply);
    try {
      // Who acts gives it up as the person they are, not in the patient's name.
      const delegations = createClient(DelegationService, context.as(request, "account"));
      await delegations.endDelegation({ delegation: delegationIn(request) }, call);
    } catch (error) {
      return show(context, request, reply, record, correctable(request, error));
    }
    forget(reply, "record");
    return goOn(reply, "/account?gave=1");
  });
}

function delegationIn(request: HttpRequest): string {
  return formOf(request).text("delegation") ?? "none";
}

/** The form by which the patient or a guardian lets somebody in; in its place, what has to come first. */
function addForm(
  app: App,
  context: SurfaceContext,
  path: string,
  page: (view: View, form: { record: RecordOption; requestId: string; first: Html | undefined }) => Page,
): void {
  app.get(path, async (request, reply) => {
    const { record } = await readerOf(context, request);
    if (record === undefined || !mayBringIn(record)) return goOn(reply, peoplePath);
    const view = viewOf(request);
    const confirmed = await isConfirmed(context, request, Assurance.PASSKEY);
    const first = confirmed ? undefined : confirmFirst(view, path);
    return sendPage(reply, page(view, { record, requestId: randomUUID(), first }));
  });
}

function addInvite(app: App, context: SurfaceContext): void {
  const path = `${peoplePath}/invite`;
  addForm(app, context, path, invitePage);
  app.post(path, formFor(listActingOptions, path), async (request, reply) => {
    const record = await recordOfForm(context, request, reply);
    if (record === undefined) return sendNotActing(request, reply);
    const form = formOf(request);
    const view = viewOf(request);
    const requestId = requestIdIn(form);
    const [name, email] = [form.text("name") ?? "", form.text("email") ?? ""];
    const { actingAs: patient } = record;
    const language = languageOf(form.text("language")) ?? view.language;
    try {
      const delegations = createClient(DelegationService, context.as(request, patient));
      await delegations.inviteCarer({ patient, email, displayName: name, language, requestId }, call);
    } catch (error) {
      const text = correctable(request, error);
      return sendPage(reply, invitePage(view, { record, requestId, wrong: { text, name, email } }), 422);
    }
    return goOn(reply, `${peoplePath}?done=sent`);
  });
}

function addBringIn(app: App, context: SurfaceContext): void {
  addForm(app, context, guardianCodePath, bringInPage);
  app.post(guardianCodePath, formFor(listActingOptions, guardianCodePath), async (request, reply) => {
    const record = await recordOfForm(context, request, reply);
    if (record === undefined) return sendNotActing(request, reply);
    const view = viewOf(request);
    const requestId = requestIdIn(formOf(request));
    const { actingAs: patient } = record;
    try {
      const client = createClient(GuardianshipService, context.as(request, patient));
      const { code } = await client.createGuardianCode({ patient, requestId }, call);
      return sendPage(reply, bringInPage(view, { record, requestId, code }));
    } catch (error) {
      const problem = correctable(request, error);
      return sendPage(reply, bringInPage(view, { record, requestId, problem }), 422);
    }
  });
}

async function show(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  record: RecordOption,
  problem?: string,
): Promise<HttpReply> {
  const view = viewOf(request);
  const transport = context.as(request, record.actingAs);
  const [{ account }, { delegations }, petitions] = await Promise.all([
    accountClient(context, request).getAccount({}, call),
    createClient(DelegationService, transport).listDelegations(
      { patient: record.actingAs, pageSize: most },
      call,
    ),
    petitionsAbout(transport, record),
  ]);
  const { done } = request.query as Query;
  const page = peoplePage(view, {
    record,
    delegations: delegations.map((one) => shownDelegation(view, one, Date.now())),
    account: account?.id ?? "",
    checkers: await namesOf(createClient(OrganizationService, transport), delegations),
    petitions: petitions.map((one) => shownPetition(view, one)),
    done: done === "sent" || done === "ended" || done === "disputed" ? done : undefined,
    problem,
  });
  return sendPage(reply, page, problem === undefined ? 200 : 422);
}

/** A representative of somebody who died sees none: nobody becomes a guardian any more. */
async function petitionsAbout(
  transport: ReturnType<SurfaceContext["as"]>,
  { as }: RecordOption,
): Promise<readonly Petition[]> {
  if (as === "representative") return [];
  return (await createClient(GuardianshipService, transport).listPetitions({ pageSize: most }, call))
    .petitions;
}

async function namesOf(
  client: ReturnType<typeof createClient<typeof OrganizationService>>,
  delegations: readonly Delegation[],
): Promise<ReadonlyMap<string, string>> {
  const ids = new Set(delegations.map(({ organization }) => organization).filter((id) => id !== ""));
  return new Map(
    await Promise.all(
      [...ids].map(async (id) => {
        const answer = await client.getOrganization({ organization: id }, call).catch(() => undefined);
        return [id, answer?.organization?.displayName || id] as const;
      }),
    ),
  );
}
