import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import {
  type Dispute,
  GuardianshipService,
  Petition_State,
} from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { Assurance } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { type HttpReply, type HttpRequest, refusalOf, type SurfaceContext } from "@wellapi/http";
import { msOf } from "../account/account-view.ts";
import { confirmFirst, isConfirmed } from "../assurance.ts";
import { dayAfter, type Form, formOf, requestIdIn } from "../forms.ts";
import { shownPetition } from "../guardianships/petition-view.ts";
import { languageOf } from "../language.ts";
import type { Page } from "../page.ts";
import { shownDelegation } from "../people/people-view.ts";
import { type Reader, readerOf } from "../record/reader.ts";
import { sendPage } from "../routes.ts";
import { type App, call, correctable, formFor } from "../signed-in.ts";
import { timeText } from "../times.ts";
import { type View, viewOf } from "../view.ts";
import { type GuardiansPage, guardiansPage, type Waiting } from "./guardian-pages.ts";
import type { ShownDispute } from "./petition-cards.ts";

const most = 1_000;
/** On a page: who decides sees the rest once these are decided. */
const mostWaiting = 50;

/** Who checks guardians: an organization, or the privacy officer. */
export interface GuardianPlace {
  /** In the router. */
  readonly path: string;
  readonly pathOf: (request: HttpRequest) => string;
  readonly actingAs: (request: HttpRequest) => string;
  /** Whether a block can be lifted here. */
  readonly lifts: boolean;
  readonly beside: (request: HttpRequest, reader: Reader) => Page["beside"];
}

/** What a form did, or why it did not. */
type Outcome = Pick<GuardiansPage, "done" | "problem" | "typed" | "of" | "code">;

/** Guardians and representatives of a patient: seen, entered, decided about. Each form's answer is the page, because no address may hold the patient. */
export function addGuardians(app: App, context: SurfaceContext, place: GuardianPlace): void {
  const { path, pathOf, actingAs } = place;
  const client = (request: HttpRequest) =>
    createClient(DelegationService, context.as(request, actingAs(request)));
  app.get(path, async (request, reply) => show(context, place, request, reply));
  const ofForm = formFor(AccountService.method.listActingOptions, pathOf);
  app.post(path, ofForm, async (request, reply) => show(context, place, request, reply));
  app.post(`${path}/invite`, ofForm, async (request, reply) => {
    const reader = await readerOf(context, request);
    const form = formOf(request);
    const outcome = await done(request, "guardianSent", async () => {
      const language = languageOf(form.text("language")) ?? viewOf(request).language;
      await client(request).inviteGuardian({ ...guardianIn(form), language }, call);
    });
    return show(context, place, request, reply, reader, outcome);
  });
  app.post(`${path}/represent`, ofForm, async (request, reply) => {
    const reader = await readerOf(context, request);
    const form = formOf(request);
    const outcome = await done(request, "guardianSent", async () => {
      const language = languageOf(form.text("language")) ?? viewOf(request).language;
      const { birthDate: _, ...asked } = guardianIn(form);
      await client(request).inviteRepresentative({ ...asked, language }, call);
    });
    return show(context, place, request, reply, reader, { ...outcome, of: "representative" });
  });
  app.post(`${path}/decide`, ofForm, async (request, reply) => {
    const reader = await readerOf(context, request);
    const form = formOf(request);
    const outcome = await done(request, "decided", async () => {
      const [delegation, reason] = [form.text("delegation") ?? "none", form.text("reason") ?? ""];
      const state = Number(form.text("state") ?? 0);
      await client(request).setGuardianState({ delegation, state, reason }, call);
    });
    return show(context, place, request, reply, reader, outcome);
  });
  addPetitionForms(app, context, place);
}

/** Forms about those who ask to become guardians by themselves. */
function addPetitionForms(app: App, context: SurfaceContext, place: GuardianPlace): void {
  const { path, pathOf } = place;
  const ofForm = formFor(AccountService.method.listActingOptions, pathOf);
  app.post(`${path}/code`, ofForm, async (request, reply) => {
    const reader = await readerOf(context, request);
    const form = formOf(request);
    let code: string | undefined;
    const outcome = await done(request, undefined, async () => {
      const asked = { patient: form.text("patient") ?? "none", requestId: requestIdIn(form) };
      code = (await petitionClient(context, place, request).createGuardianCode(asked, call)).code;
    });
    return show(context, place, request, reply, reader, { ...outcome, code });
  });
  app.post(`${path}/petition`, ofForm, async (request, reply) => {
    const reader = await readerOf(context, request);
    const form = formOf(request);
    const state = Number(form.text("state") ?? 0);
    const confirmed = state === Petition_State.CONFIRMED;
    const outcome = await done(request, confirmed ? "confirmed" : "refused", async () => {
      const end = dayAfter(form, "end");
      await petitionClient(context, place, request).decidePetition(
        {
          petition: form.text("petition") ?? "none",
          state,
          reason: form.text("reason") ?? "",
          birthDate: form.text("birth") ?? "",
          ...(end !== undefined && { groundsEndTime: end }),
        },
        call,
      );
    });
    return show(context, place, request, reply, reader, outcome);
  });
}

function guardianIn(form: Form) {
  const end = dayAfter(form, "end");
  return {
    patient: form.text("patient") ?? "none",
    email: form.text("email") ?? "",
    displayName: form.text("name") ?? "",
    grounds: form.text("grounds") ?? "",
    birthDate: form.text("birth") ?? "",
    ...(end !== undefined && { expireTime: end }),
    requestId: requestIdIn(form),
  };
}

async function done(
  request: HttpRequest,
  what: GuardiansPage["done"],
  act: () => Promise<void>,
): Promise<Outcome> {
  try {
    await act();
    return { done: what };
  } catch (error) {
    const form = formOf(request);
    return { problem: correctable(request, error), typed: (name) => form.text(name) };
  }
}

async function show(
  context: SurfaceContext,
  place: GuardianPlace,
  request: HttpRequest,
  reply: HttpReply,
  known?: Reader,
  outcome: Outcome = {},
): Promise<HttpReply> {
  const view = viewOf(request);
  const reader = known ?? (await readerOf(context, request));
  const path = place.pathOf(request);
  const patient = formOf(request).text("patient");
  const looked = patient === undefined ? undefined : await guardiansOf(context, place, request, patient);
  const found = looked === "missing" ? undefined : looked;
  const [confirmed, waiting] = await Promise.all([
    isConfirmed(context, request, Assurance.PASSKEY),
    // Each read leaves an entry with each of these patients: so only where they are shown.
    found === undefined ? waitingFor(context, place, request) : undefined,
  ]);
  const problem = outcome.problem ?? (looked === "missing" ? view.words.problem.dataNotThere : undefined);
  const page = guardiansPage(view, {
    ...outcome,
    path,
    beside: place.beside(request, reader),
    found,
    waiting,
    lifts: place.lifts,
    first: confirmed ? undefined : confirmFirst(view, path),
    problem,
  });
  return sendPage(reply, page, problem === undefined ? 200 : 422);
}

function petitionClient(context: SurfaceContext, { actingAs }: GuardianPlace, request: HttpRequest) {
  return createClient(GuardianshipService, context.as(request, actingAs(request)));
}

/** What waits for who checks here: disputes wait for the privacy officer alone. */
async function waitingFor(
  context: SurfaceContext,
  place: GuardianPlace,
  request: HttpRequest,
): Promise<Waiting> {
  const view = viewOf(request);
  const client = petitionClient(context, place, request);
  const { petitions } = await client.listPetitions({ pageSize: mostWaiting }, call);
  const shown = { petitions: petitions.map((one) => shownPetition(view, one)) };
  if (!place.lifts) return shown;
  const { disputes } = await client.listDisputes({ pageSize: mostWaiting }, call);
  return { ...shown, disputes: disputes.flatMap((one) => shownDispute(view, one) ?? []) };
}

function shownDispute(view: View, { delegation, patient }: Dispute): ShownDispute | undefined {
  if (delegation?.disputeTime === undefined) return undefined;
  const since = timeText(view, msOf(delegation.disputeTime));
  return { patient, delegation: shownDelegation(view, delegation, Date.now()), since };
}

async function guardiansOf(
  context: SurfaceContext,
  { actingAs }: GuardianPlace,
  request: HttpRequest,
  patient: string,
): Promise<GuardiansPage["found"] | "missing"> {
  const view = viewOf(request);
  const client = createClient(DelegationService, context.as(request, actingAs(request)));
  try {
    const { delegations } = await client.listDelegations({ patient, pageSize: most }, call);
    const guardians = delegations
      .map((one) => shownDelegation(view, one, Date.now()))
      .filter(({ kind }) => kind !== "carer");
    return { patient, guardians, requestId: randomUUID() };
  } catch (error) {
    if ([400, 404].includes(refusalOf(error).status)) return "missing";
    throw error;
  }
}
