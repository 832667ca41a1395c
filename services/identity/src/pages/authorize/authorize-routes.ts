import { durationMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { ActingOption_Kind } from "@wellapi/gen/wellapi/identity/v1/account_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import {
  type Interaction,
  Interaction_Asked,
  OAuthInteractionService,
} from "@wellapi/gen/wellapi/identity/v1/oauth_interaction_service_pb";
import { Assurance } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { type HttpReply, type HttpRequest, refusalOf, type SurfaceContext } from "@wellapi/http";
import { msOf, shownActing } from "../account/account-view.ts";
import { withContinuation } from "../continuation.ts";
import { cookieOf, namedCookie } from "../cookies.ts";
import { type Form, formOf } from "../forms.ts";
import { forget, goOn, keep, sendPage } from "../routes.ts";
import { donePage } from "../sign-in/sign-in-pages.ts";
import { type App, accountClient, call, correctable, flowSeconds, formFor } from "../signed-in.ts";
import { viewOf } from "../view.ts";
import {
  type ActingChoice,
  authorizePage,
  devicePage,
  givesPlace,
  introductionPage,
  leavingPage,
  notYetPage,
} from "./authorize-pages.ts";
import { choiceIn, choicesOf, consentOf, requestIdOf } from "./consent-choice.ts";

type Params = { readonly id: string };

const idOf = (request: HttpRequest): string => (request.params as Params).id;
const pageOf = (request: HttpRequest): string => `/authorize/${idOf(request)}`;

/**
 * Set by `/oauth2/authorize` in the browser in which the application began; the pages set one of their own for a device's code.
 * Whoever is sent somebody else's interaction does not have it.
 */
function isBegunHere(request: HttpRequest): boolean {
  const id = idOf(request);
  return namedCookie(request, "wellapi_interaction") === id || cookieOf(request, "device") === id;
}

export function addAuthorization(app: App, context: SurfaceContext): void {
  app.get<{ Params: Params }>("/authorize/:id", async (request, reply) => {
    if (!isBegunHere(request)) return sendElsewhere(request, reply);
    return show(context, request, reply);
  });
  // The account's options are asked first: they decide in whose name the rest is done.
  const agree = formFor(AccountService.method.listActingOptions, pageOf);
  app.post<{ Params: Params }>("/authorize/:id", agree, async (request, reply) => {
    if (!isBegunHere(request)) return sendElsewhere(request, reply);
    const interaction = await interactionOf(context, request);
    if (interaction === undefined) return sendEnded(request, reply);
    const acting = await actingFor(context, request, interaction);
    const form = formOf(request);
    const chosen = acting.find(({ actingAs }) => actingAs === form.text("acting"));
    if (chosen === undefined) return show(context, request, reply);
    return complete(context, request, reply, { interaction, acting, chosen: chosen.actingAs, form });
  });
  app.post<{ Params: Params }>(
    "/authorize/:id/refuse",
    { config: { page: pageOf } },
    async (request, reply) => {
      if (!isBegunHere(request)) return sendElsewhere(request, reply);
      const client = createClient(OAuthInteractionService, context.asAnyone(request));
      const { redirectUri } = await client.abortInteraction({ interaction: idOf(request) }, call);
      return leave(request, reply, redirectUri, "refused");
    },
  );
  addDevice(app, context);
}

async function interactionOf(
  context: SurfaceContext,
  request: HttpRequest,
): Promise<Interaction | undefined> {
  try {
    const client = createClient(OAuthInteractionService, context.asAnyone(request));
    return (await client.getInteraction({ interaction: idOf(request) }, call)).interaction;
  } catch (error) {
    if (refusalOf(error).status === 404) return undefined;
    throw error;
  }
}

/** In whose name the reader can agree to this. */
async function actingFor(
  context: SurfaceContext,
  request: HttpRequest,
  { asked, client }: Interaction,
): Promise<readonly ActingChoice[]> {
  const view = viewOf(request);
  const { options } = await accountClient(context, request).listActingOptions({}, call);
  const patients = [ActingOption_Kind.PATIENT, ActingOption_Kind.CARER, ActingOption_Kind.GUARDIAN];
  return options.flatMap((option) => {
    const fits =
      asked === Interaction_Asked.PATIENT
        ? patients.includes(option.kind)
        : asked === Interaction_Asked.MEMBER
          ? option.kind === ActingOption_Kind.MEMBER && isOf(client, option.actingAs)
          : asked === Interaction_Asked.STAFF
            ? option.kind === ActingOption_Kind.STAFF
            : option.kind === ActingOption_Kind.ACCOUNT;
    if (!fits) return [];
    const { actingAs, kind } = option;
    const other = kind === ActingOption_Kind.CARER || kind === ActingOption_Kind.GUARDIAN;
    return [{ actingAs, label: shownActing(view, [option])[0] ?? "", other }];
  });
}

/** The installation's own command line is in the hands of members of any organization. */
function isOf(client: Interaction["client"], organization: string): boolean {
  return client?.organization === organization || client?.application === "wellapi-cli";
}

async function show(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  problem?: string,
): Promise<HttpReply> {
  const view = viewOf(request);
  const interaction = await interactionOf(context, request);
  if (interaction === undefined) return sendEnded(request, reply);
  const session = await sessionOf(context, request);
  if (session === undefined) return sendPage(reply, introductionPage(view, interaction));
  if (interaction.signInAgain && msOf(session.createTime) < msOf(interaction.signInAfter)) {
    return goOn(reply, withContinuation("/sign-in", pageOf(request)));
  }
  const acting = await actingFor(context, request, interaction);
  if (acting.length === 0) {
    const way = waysOf[interaction.asked] ?? "nobody";
    return sendPage(reply, notYetPage(view, interaction, way));
  }
  const needsPasskey = interaction.terms !== undefined || givesPlace(interaction);
  if (needsPasskey && session.assurance < Assurance.PASSKEY) {
    return sendPage(reply, notYetPage(view, interaction, "passkey"));
  }
  const status = problem === undefined ? 200 : 422;
  return sendPage(reply, authorizePage(view, { interaction, acting, problem }), status);
}

/** What to say where the reader has no such place. */
const waysOf: Readonly<Partial<Record<Interaction_Asked, "member" | "staff">>> = {
  [Interaction_Asked.MEMBER]: "member",
  [Interaction_Asked.STAFF]: "staff",
};

/** The session of the reader; undefined where they have to sign in. */
async function sessionOf(context: SurfaceContext, request: HttpRequest) {
  try {
    const { sessions } = await accountClient(context, request).listSessions({}, call);
    return sessions.find(({ current }) => current);
  } catch (error) {
    if ([401, 403].includes(refusalOf(error).status)) return undefined;
    throw error;
  }
}

interface Agreed {
  readonly interaction: Interaction;
  readonly acting: readonly ActingChoice[];
  readonly chosen: string;
  readonly form: Form;
}

async function complete(
  context: SurfaceContext,
  request: HttpRequest,
  reply: HttpReply,
  agreed: Agreed,
): Promise<HttpReply> {
  const { interaction, chosen } = agreed;
  const { terms } = interaction;
  const transport = context.as(request, chosen);
  const consents = createClient(ConsentService, transport);
  const oauth = createClient(OAuthInteractionService, transport);
  const choice = terms && choiceIn(agreed.form, choicesOf(terms));
  const view = viewOf(request);
  if (terms !== undefined && choice === undefined) {
    return show(context, request, reply, view.words.consent.dataNone);
  }
  let consent: string | undefined;
  try {
    if (terms !== undefined && choice !== undefined) {
      const grantee = interaction.client?.organization ?? "";
      const { clockAhead } = interaction;
      const nowMs = Date.now() + (clockAhead ? durationMs(clockAhead) : 0);
      const asked = consentOf(terms, choice, { grantee, language: view.language, nowMs });
      const requestId = requestIdOf(interaction.id, choice);
      ({ id: consent } = (await consents.createConsent({ consent: asked, requestId }, call)).consent ?? {});
    }
    const { redirectUri } = await oauth.completeInteraction(
      {
        interaction: interaction.id,
        grantedScopes: grantedScopes(interaction, agreed.form),
        consents: consent === undefined ? [] : [consent],
      },
      call,
    );
    return leave(request, reply, redirectUri, "done");
  } catch (error) {
    // A consent that no application got is no more than a permission that nobody asked to keep.
    const final = refusalOf(error).status < 500;
    if (consent !== undefined && final)
      await consents.revokeConsent({ consent }, call).catch(() => undefined);
    return show(context, request, reply, correctable(request, error));
  }
}

/** What was asked for, without what the reader took out. */
function grantedScopes({ scopes }: Interaction, form: Form): string[] {
  const ticked = new Set(form.all("scopes").flatMap((text) => text.split(" ")));
  return scopes
    .filter(({ scope, required, resource }) => required || resource !== "" || ticked.has(scope))
    .map(({ scope }) => scope);
}

/** On to the application, by our own OAuth server; of a device there is nowhere to go. */
function leave(
  request: HttpRequest,
  reply: HttpReply,
  redirectUri: string,
  outcome: "done" | "refused",
): HttpReply {
  if (redirectUri === "") {
    forget(reply, "device");
    return goOn(reply, `/device/${outcome}`);
  }
  const { pathname, search } = new URL(redirectUri);
  if (!pathname.startsWith("/oauth2/")) throw new TypeError("an interaction ends at our own OAuth server");
  return sendPage(reply, leavingPage(viewOf(request), `${pathname}${search}`));
}

function sendElsewhere(request: HttpRequest, reply: HttpReply): HttpReply {
  const { consent } = viewOf(request).words;
  return sendPage(reply, donePage({ title: consent.otherBrowserTitle, lead: consent.otherBrowser }), 403);
}

function sendEnded(request: HttpRequest, reply: HttpReply): HttpReply {
  const { consent } = viewOf(request).words;
  return sendPage(reply, donePage({ title: consent.endedTitle, lead: consent.ended }), 404);
}

type DeviceQuery = { readonly user_code?: string };

function addDevice(app: App, context: SurfaceContext): void {
  app.get<{ Querystring: DeviceQuery }>("/device", async (request, reply) => {
    await accountClient(context, request).getAccount({}, call);
    const code = /^[A-Za-z0-9-]{1,32}$/.exec(request.query.user_code ?? "")?.[0] ?? "";
    return sendPage(reply, devicePage(viewOf(request), { code }));
  });
  const open = {
    config: { rpc: OAuthInteractionService.method.openDeviceInteraction, page: "/device" },
  };
  app.post("/device", open, async (request, reply) => {
    const view = viewOf(request);
    const userCode = formOf(request).text("user_code") ?? "";
    try {
      const client = createClient(OAuthInteractionService, context.as(request));
      const { interaction } = await client.openDeviceInteraction({ userCode }, call);
      if (interaction === undefined) throw new TypeError("the answer holds no interaction");
      keep(reply, "device", interaction.id, flowSeconds);
      return goOn(reply, `/authorize/${interaction.id}`);
    } catch (error) {
      const problem =
        refusalOf(error).status === 404 ? view.words.problem.codeWrong : correctable(request, error);
      return sendPage(reply, devicePage(view, { code: userCode, problem }), 422);
    }
  });
  for (const outcome of ["done", "refused"] as const) {
    app.get(`/device/${outcome}`, async (request, reply) => {
      const { device } = viewOf(request).words;
      return sendPage(reply, donePage({ title: device[outcome], lead: device[`${outcome}Lead`] }));
    });
  }
}
